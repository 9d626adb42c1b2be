"""The control interface: what customer, bank and network do, on demand. JSON for programs, a page for people."""

from typing import Any

from flask import Blueprint, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from . import balance, disputes, faults, payments, plans, refunds, sessions
from .api import Handler
from .conduct import FAULTS, METHODS
from .parameters import TABLES, Params, Table, read
from .state import Object, State, the_state

control = Blueprint("control", __name__, url_prefix="/_sandbox")


def pay(state: State, params: Params, identifier: str) -> Object:
    """The customer's attempt with a `card`, a confirmation by the bank included: `paid`, `declined` or `processing`."""
    status = payments.pay(state, identifier, params["card"])
    if status == "requires_action":
        status = payments.authenticate(state, identifier, confirmed=True)
    intent = state.get(sessions.KIND, identifier)["payment_intent"]
    return {"status": status, "session": identifier, "payment_intent": intent}


def set_delivery(state: State, params: Params, _: str) -> Object:
    """How the events of coming acts travel: `mode`, until changed."""
    state.switch("delivery", params["mode"])
    return {"mode": params["mode"]}


ACTS: dict[str, Handler] = {
    "/pay/<identifier>": pay,
    "/refund/<identifier>": refunds.create_in_dashboard,
    "/dispute/<identifier>": disputes.dispute,
    "/settle/<identifier>": plans.settle,
    "/payout": balance.pay_out,
    "/clock": plans.advance,
    "/faults": faults.ask,
    "/delivery": set_delivery,
}


def act(table: Table, handler: Handler, identifier: str = "") -> Response:
    """One act in one transaction; a field that a person left empty was not given."""
    params = read([(name, value) for name, value in request.form.items() if value], table)
    with the_state().transaction() as state:
        facts = handler(state, params, identifier)
    return done(facts)


for rule, handler in ACTS.items():
    given: dict[str, Any] = {"table": TABLES["control"][rule], "handler": handler}
    control.add_url_rule(rule, rule.split("/")[1], act, methods=["POST"], defaults=given)


@control.post("/deliver")
def deliver() -> Response:
    """Send what is held; answers once each was attempted."""
    return done(current_app.extensions["courier"].deliver_held())


@control.get("/")
def show() -> str:
    """The same acts, for people."""
    with the_state().transaction() as state:
        recent = [story(state, session) for session in state.select(sessions.KIND, {}, "DESC", 20)]
        events = events_with_sendings(state, 50)[::-1]
        facts: Object = {"mode": state.setting("delivery", "normal"), "faults": state.setting("faults", "").split()}
        facts |= {"now": state.now(), "balance": balance.retrieve(state, {}, "")}
    return render_template("control.html", stories=recent, events=events, methods=METHODS, all_faults=FAULTS, **facts)


def story(state: State, session: Object) -> Object:
    """A Session with what became of it."""
    by_intent = {"json_extract(body, '$.payment_intent') = ?": session["payment_intent"]}
    parts = {kind: state.select(kind, by_intent, "DESC") for kind in ("charge", "refund", "dispute")}
    return parts | {"session": session}


@control.get("/events")
def list_events() -> Response:
    """All events with their deliveries, newest last."""
    with the_state().transaction() as state:
        return jsonify({"object": "list", "data": events_with_sendings(state, -1)})


@control.get("/health")
def health() -> Response:
    """Whether the sandbox answers, its database included."""
    with the_state().transaction():
        return jsonify({"ok": True})


def events_with_sendings(state: State, limit: int) -> list[Object]:
    """The latest events in the order of their making; `deliveries` holds state, attempts and last answer of each sending."""
    events = state.select("event", {}, "DESC", limit)[::-1]
    for event in events:
        sql = "SELECT state, attempts, answer FROM sending WHERE event = ? ORDER BY seq"
        event["deliveries"] = [dict(row) for row in state.query(sql, event["id"])]
    return events


def done(facts: Object) -> Response:
    """JSON for a program; a browser goes back to the page."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return redirect("/_sandbox/", 303) if wanted == "text/html" else jsonify(facts)
