"""Stripe's API: `ROUTES` is the table of what exists. Every address demands a test key and answers Stripe's JSON."""

import hashlib
import json
from collections.abc import Callable

from flask import Blueprint, Response, g, request

from . import sessions
from .idempotency import alone, recall, remember
from .parameters import INSTANT, LIMIT, TEXT, Kind, Params, Table, items, read
from .refusal import Refusal
from .state import Object, State, new_id, the_state

EXPANDABLE = {("checkout.session", "payment_intent"): "payment_intent"}
SIGNS = {"created": "=", "created[gt]": ">", "created[gte]": ">=", "created[lt]": "<", "created[lte]": "<="}
CONDITIONS = {name: f"created {sign} ?" for name, sign in SIGNS.items()} | {
    "payment_intent": "json_extract(body, '$.payment_intent') = ?",
    "status": "json_extract(body, '$.status') = ?",
    "type": "json_extract(body, '$.type') GLOB ?",
}

READ = {"expand[]": TEXT}
PAGE = READ | dict.fromkeys(SIGNS, INSTANT) | {"ending_before": TEXT, "starting_after": TEXT, "limit": LIMIT}
LIST_SESSIONS = PAGE | {"payment_intent": TEXT, "status": Kind("open|complete|expired")}
LIST_EVENTS = PAGE | {"type": TEXT}

Handler = Callable[[State, Params, str], Object]
"""What a route does, in one transaction: with its parameters, and the id in its address if there is one."""


def create_session(state: State, params: Params, _: str) -> Object:
    """A new Checkout Session."""
    return sessions.create(state, params, request.host_url.rstrip("/"))


def expire_session(state: State, _: Params, identifier: str) -> Object:
    """End an open Checkout Session."""
    call = {"id": g.request_id, "idempotency_key": request.headers.get("Idempotency-Key")}
    return sessions.expire(state, state.get(sessions.KIND, identifier, "session"), call)


def retrieve(kind: str, param: str) -> Handler:
    """One object of a kind; its 404 names `param`."""
    return lambda state, _, identifier: state.get(kind, identifier, param)


def listing(kind: str) -> Handler:
    """One page of a kind, newest first, by Stripe's filters and cursors."""

    def page(state: State, params: Params, _: str) -> Object:
        where = {sql: params[name] for name, sql in CONDITIONS.items() if name in params}
        for cursor, sql in (("starting_after", "seq < ?"), ("ending_before", "seq > ?")):
            if cursor in params:
                where[sql] = state.row(kind, params[cursor], cursor)["seq"]
        backwards, limit = "ending_before" in params, params.get("limit", 10)
        found = state.select(kind, where, "ASC" if backwards else "DESC", limit + 1)
        data = found[:limit][::-1] if backwards else found[:limit]
        return {"object": "list", "url": request.path, "has_more": len(found) > limit, "data": data}

    return page


ROUTES: list[tuple[str, str, Table, Handler]] = [
    ("POST", "/checkout/sessions", sessions.CREATE, create_session),
    ("GET", "/checkout/sessions", LIST_SESSIONS, listing(sessions.KIND)),
    ("GET", "/checkout/sessions/<identifier>", READ, retrieve(sessions.KIND, "session")),
    ("POST", "/checkout/sessions/<identifier>/expire", READ, expire_session),
    ("GET", "/payment_intents/<identifier>", READ, retrieve("payment_intent", "intent")),
    ("GET", "/events", LIST_EVENTS, listing("event")),
    ("GET", "/events/<identifier>", READ, retrieve("event", "id")),
]


def authenticate() -> None:
    """Any test key is welcome; a live key has no business here. The key itself is never repeated."""
    g.request_id = new_id("req_", 14)
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if key.startswith(("sk_live_", "rk_live_")):
        raise Refusal("The Stripe sandbox refuses live keys. Revoke the one that was sent here.", status=401)
    if scheme != "Bearer" or not key.startswith("sk_test_"):
        raise Refusal("No API key: send `Authorization: Bearer sk_test_…`, with any key that begins so.", status=401)


def answer(table: Table, handler: Handler, identifier: str = "") -> Response:
    """Run a handler in one transaction, once per idempotency key, and answer its object."""
    posted = request.method == "POST"
    pairs = sorted((request.form if posted else request.args).items(multi=True))
    key = request.headers.get("Idempotency-Key", "") if posted else ""
    content = hashlib.sha256(json.dumps([request.path, pairs]).encode()).hexdigest()
    with alone(key or g.request_id), the_state().transaction() as state:
        known = recall(state, key, content) if key else None
        if known:
            headers = {"Idempotent-Replayed": "true", "Original-Request": known["request_id"]}
            return Response(known["body"], headers=headers, mimetype="application/json")
        params = read(pairs, table)
        result = expand(state, handler(state, params, identifier), [params[name] for name in items(params, "expand")])
        body = json.dumps(result, indent=2)
        if key:
            remember(state, key, content, g.request_id, body)
    return Response(body, mimetype="application/json")


def expand(state: State, body: Object, paths: list[str]) -> Object:
    """The object, or each one of a list, with whole objects where the caller asked for them instead of their ids."""
    for path in paths:
        name = path.removeprefix("data.")
        for target in body["data"] if path != name and body["object"] == "list" else [body]:
            kind = EXPANDABLE.get((target["object"], name))
            if kind is None:
                raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
            target[name] = state.get(kind, target[name]) if target[name] else None
    return body


def blueprint() -> Blueprint:
    """The table as Flask wants it."""
    api = Blueprint("api", __name__, url_prefix="/v1")
    api.before_request(authenticate)
    for method, rule, table, handler in ROUTES:
        facts = {"table": table, "handler": handler}
        api.add_url_rule(rule, f"{method} {rule}", answer, methods=[method], defaults=facts)
    return api
