"""The control interface: what customer, bank and network do, on demand. JSON for programs, a page for people."""

from flask import Blueprint, current_app, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from . import sessions
from .events import MODES
from .parameters import TEXT, Kind, read
from .state import Object, State, the_state

PAY = {"card!": TEXT}
DELIVERY = {"mode!": Kind("|".join(MODES))}

control = Blueprint("control", __name__, url_prefix="/_sandbox")


@control.get("/")
def show() -> str:
    """The same acts, for people."""
    with the_state().transaction() as state:
        recent = state.select(sessions.KIND, {}, "DESC", 20)
        events, mode = events_with_deliveries(state)[:-51:-1], state.setting("delivery", "normal")
    facts = {"mode": mode, "modes": MODES, "test_cards": sessions.CARDS}
    return render_template("control.html", sessions=recent, events=events, **facts)


@control.post("/pay/<identifier>")
def pay(identifier: str) -> Response:
    """The customer's attempt with a `card`: `status` is `paid` or `declined`."""
    card = read(request.form.items(), PAY)["card"]
    with the_state().transaction() as state:
        status = sessions.pay(state, identifier, card)
        intent = state.get(sessions.KIND, identifier)["payment_intent"]
    return done({"status": status, "session": identifier, "payment_intent": intent})


@control.post("/delivery")
def set_delivery() -> Response:
    """How the events of coming acts travel: `mode`, until changed."""
    mode = read(request.form.items(), DELIVERY)["mode"]
    with the_state().transaction() as state:
        state.switch("delivery", mode)
    return done({"mode": mode})


@control.post("/deliver")
def deliver() -> Response:
    """Send what is held; answers once each was attempted."""
    return done(current_app.extensions["courier"].deliver_held())


@control.get("/events")
def list_events() -> Response:
    """All events with their deliveries, newest last."""
    with the_state().transaction() as state:
        return jsonify({"object": "list", "data": events_with_deliveries(state)})


@control.get("/health")
def health() -> Response:
    """Whether the sandbox answers, its database included."""
    with the_state().transaction():
        return jsonify({"ok": True})


def events_with_deliveries(state: State) -> list[Object]:
    """Every event in the order of its making; `deliveries` holds state, attempts and last answer of each sending."""
    events = {event["id"]: event | {"deliveries": []} for event in state.select("event", {})}
    for row in state.query("SELECT event, state, attempts, answer FROM delivery ORDER BY seq"):
        facts = dict(row)
        events[facts.pop("event")]["deliveries"].append(facts)
    return list(events.values())


def done(facts: Object) -> Response:
    """JSON for a program; a browser goes back to the page."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return redirect("/_sandbox/", 303) if wanted == "text/html" else jsonify(facts)
