"""The control interface: what customer, bank and network do, on demand. JSON for programs, a page for people."""

import json
import time

from flask import Blueprint, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from . import balance, calls, payments, plans, reversals, sessions
from .api import Handler
from .parameters import Table, read
from .state import State
from .tables import CONDUCT, PARAMETERS, Object

control = Blueprint("control", __name__, url_prefix="/_sandbox")


def pay(state: State, params: Object, identifier: str) -> Object:
    """The customer's attempt with a `card`, a confirmation by the bank included: `paid`, `declined` or `processing`."""
    status = payments.pay(state, identifier, params["card"])
    if status == "requires_action":
        status = payments.authenticate(state, identifier, confirmed=True)
    intent = state.get(sessions.KIND, identifier)["payment_intent"]
    return {"status": status, "session": identifier, "payment_intent": intent}


def refund(state: State, params: Object, identifier: str) -> Object:
    """A refund in Stripe's dashboard: all that is left, or `amount`; an `outcome` of `failed` comes at once."""
    charge = reversals.charge_of(state, {"payment_intent": identifier})
    made = reversals.give_back(state, charge, params | {"metadata": {}}, params.get("outcome", "succeeded"))
    return plans.settle(state, params, made["id"]) if params.get("outcome") == "failed" else made


def set_delivery(state: State, params: Object, _: str) -> Object:
    """How the events of coming acts travel: `mode`, until changed."""
    state.switch("delivery", params["mode"])
    return {"mode": params["mode"]}


ACTS: dict[str, Handler] = {
    "/pay/<identifier>": pay,
    "/refund/<identifier>": refund,
    "/dispute/<identifier>": reversals.dispute,
    "/settle/<identifier>": plans.settle,
    "/payout": balance.pay_out,
    "/clock": plans.advance,
    "/faults": calls.ask_fault,
    "/delivery": set_delivery,
}


def act(table: Table, handler: Handler, identifier: str = "") -> Response:
    """One act in one transaction; a field that a person left empty was not given."""
    params = read([(name, value) for name, value in request.form.items() if value], table)
    with current_app.extensions["state"].transaction() as state:
        facts = handler(state, params, identifier)
    return done(facts)


for rule, handler in ACTS.items():
    given = {"table": PARAMETERS["control"][rule], "handler": handler}
    control.add_url_rule(rule, rule.split("/")[1], act, methods=["POST"], defaults=given)


@control.post("/deliver")
def deliver() -> Response:
    """Send what is held; answers once each was attempted."""
    return done(current_app.extensions["courier"].deliver_held())


@control.get("/")
def show() -> str:
    """The same acts, for people: the last Sessions with what became of them, and the last events."""
    with current_app.extensions["state"].transaction() as state:
        facts: Object = {name: state.setting(name, "") for name in ("delivery", "faults")}
        facts["clock"] = time.strftime("%d/%m/%Y, %H:%M", time.localtime(state.now()))
        facts["balance"] = balance.retrieve(state, {}, "")
        facts["events"] = latest_events(state, 50)[::-1]
        facts["sessions"] = state.select(sessions.KIND, {}, "DESC", 20)
        for session in facts["sessions"]:
            intent = session["payment_intent"]
            session |= {kind: state.of_intent(kind, intent) for kind in ("charge", "refund", "dispute")}
    return render_template("control.html", conduct=CONDUCT, choices=PARAMETERS["control"], **facts)


@control.get("/events")
def list_events() -> Response:
    """All events with their deliveries, newest last."""
    with current_app.extensions["state"].transaction() as state:
        return jsonify({"object": "list", "data": latest_events(state, -1)})


@control.get("/health")
def health() -> Response:
    """Whether the sandbox answers, its database included."""
    with current_app.extensions["state"].transaction():
        return jsonify({"ok": True})


def latest_events(state: State, limit: int) -> list[Object]:
    """Events in the order of their making; `deliveries` holds state, attempts and last answer of each sending."""
    rows = state.query("SELECT body, deliveries FROM told ORDER BY seq DESC LIMIT ?", limit)
    return [json.loads(row["body"]) | {"deliveries": json.loads(row["deliveries"])} for row in reversed(rows)]


def done(facts: Object) -> Response:
    """JSON for a program; a browser goes back to the page."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return redirect("/_sandbox/", 303) if wanted == "text/html" else jsonify(facts)
