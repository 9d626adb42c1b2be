"""Stripe's API: its addresses are in `parameters.json`. Every one demands a test key and answers Stripe's JSON."""

import hashlib
import json
from collections.abc import Callable

from flask import Blueprint, Response, current_app, g, request

from . import balance, events, reversals, sessions
from .calls import alone, recall, remember, strike, take_fault
from .parameters import Table, read
from .state import State, new_id
from .tables import PARAMETERS, Object, Refusal

SIGNS = {"created": "=", "created[gt]": ">", "created[gte]": ">=", "created[lt]": "<", "created[lte]": "<="}
CONDITIONS = {name: f"created {sign} ?" for name, sign in SIGNS.items()} | {
    "payout": "json_extract(hidden, '$.payout') = ?",
    "type": "json_extract(body, '$.type') GLOB ?",
}
READ = {"expand[]": "text"}
PAGE = READ | {"ending_before": "text", "starting_after": "text", "limit": "limit"}

Handler = Callable[[State, Object, str], Object]
"""What an address does, in one transaction: with its parameters, and the id in it if there is one."""


def retrieve(kind: str, param: str) -> Handler:
    """One object of a kind; its 404 names `param`."""
    return lambda state, _, identifier: state.get(kind, identifier, param)


def listing(kind: str, filters: Table) -> Handler:
    """One page of a kind, newest first, by Stripe's filters and cursors."""

    def page(state: State, params: Object, _: str) -> Object:
        names = [name for name in filters if name in params]
        where = {CONDITIONS.get(name, f"json_extract(body, '$.{name}') = ?"): params[name] for name in names}
        for cursor, sql in (("starting_after", "seq < ?"), ("ending_before", "seq > ?")):
            if cursor in params:
                where[sql] = state.row(kind, params[cursor], cursor)["seq"]
        backwards, limit = "ending_before" in params, params.get("limit", 10)
        found = state.select(kind, where, "ASC" if backwards else "DESC", limit + 1)
        data = found[:limit][::-1] if backwards else found[:limit]
        return {"object": "list", "url": request.path, "has_more": len(found) > limit, "data": data}

    return page


HANDLERS: dict[str, Handler] = {
    "POST /checkout/sessions": sessions.create,
    "POST /checkout/sessions/<identifier>/expire": sessions.expire,
    "POST /refunds": reversals.refund,
    "POST /customers": lambda state, params, _: state.add("customer", params),
    "POST /webhook_endpoints": events.create_endpoint,
    "DELETE /webhook_endpoints/<identifier>": events.delete_endpoint,
    "GET /balance": balance.retrieve,
}


def authenticate() -> None:
    """Any test key is welcome; a live key has no business here. The key itself is never repeated."""
    g.call = {"id": new_id("req_", 14), "idempotency_key": request.headers.get("Idempotency-Key")}
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if key.startswith(("sk_live_", "rk_live_")):
        raise Refusal("The Stripe sandbox refuses live keys. Revoke the one that was sent here.", status=401)
    if scheme != "Bearer" or not key.startswith("sk_test_"):
        raise Refusal("No API key: send `Authorization: Bearer sk_test_…`, with any key that begins so.", status=401)


def answer(table: Table, handler: Handler, identifier: str = "") -> Response:
    """Do what is asked, with the fault that was asked for, if there is one."""
    transaction = current_app.extensions["state"].transaction
    with alone(g.call["idempotency_key"] or g.call["id"]):
        with transaction() as state:
            fault = take_fault(state)
        strike(fault, after_commit=False)
        with transaction() as state:
            response = perform(state, table, handler, identifier)
    strike(fault, after_commit=True)
    return response


def perform(state: State, table: Table, handler: Handler, identifier: str) -> Response:
    """Run a handler, once per idempotency key, and answer its object."""
    posted = request.method == "POST"
    pairs = sorted((request.form if posted else request.args).items(multi=True))
    key = g.call["idempotency_key"] if posted else None
    content = hashlib.sha256(json.dumps([request.path, pairs]).encode()).hexdigest()
    known = recall(state, key, content) if key else None
    if known:
        headers = {"Idempotent-Replayed": "true", "Original-Request": known["request_id"]}
        return Response(known["body"], headers=headers, mimetype="application/json")
    params = read(pairs, table)
    result = handler(state, params, identifier)
    for path in params.get("expand", []):
        expand(state, result, path, path)
    body = json.dumps(result, indent=2)
    if key:
        remember(state, key, content, g.call["id"], body)
    return Response(body, mimetype="application/json")


def expand(state: State, target: Object, path: str, whole: str) -> None:
    """Put a whole object in the place of its id, at a path such as `data.latest_charge.balance_transaction`."""
    name, _, rest = path.partition(".")
    if target["object"] == "list" and name == "data" and rest:
        for one in target["data"]:
            expand(state, one, rest, whole)
    elif name in PARAMETERS["expandable"].get(target["object"], []):
        if isinstance(target[name], str):
            [row] = state.query("SELECT body FROM object WHERE id = ?", target[name])
            target[name] = json.loads(row["body"])
        if rest and target[name]:
            expand(state, target[name], rest, whole)
    else:
        raise Refusal(f"This property cannot be expanded ({whole}).", param="expand")


def blueprint() -> Blueprint:
    """The addresses as Flask wants them."""
    routes = {route: (PARAMETERS["api"][route], handler) for route, handler in HANDLERS.items()}
    for path, resource in PARAMETERS["resources"].items():
        kind, filters = resource["kind"], dict(resource["filters"])
        filters |= dict.fromkeys(SIGNS, filters["created"]) if "created" in filters else {}
        routes[f"GET {path}"] = (PAGE | filters, listing(kind, filters))
        routes[f"GET {path}/<identifier>"] = (READ, retrieve(kind, resource["param"]))
    api = Blueprint("api", __name__, url_prefix="/v1")
    api.before_request(authenticate)
    for route, (table, handler) in routes.items():
        method, rule = route.split(" ")
        facts = {"table": table, "handler": handler}
        api.add_url_rule(rule, route, answer, methods=[method], defaults=facts)
    return api
