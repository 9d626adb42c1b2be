"""Paying a Session: by card, at once or after a confirmation (3-D Secure), or by a bank debit that settles days later."""

import re

from .scenes import play
from .sessions import KIND
from .state import State, new_id, shape
from .tables import CONDUCT, Object, Refusal


def pay(state: State, session_id: str, number: str, address: str | None = None) -> str:
    """One attempt with a test card or IBAN, whose number is not kept.

    `paid`; `declined`, and the Session stays open; `processing`, for a bank debit; `requires_action`: see `authenticate()`.
    """
    method = CONDUCT["methods"].get(re.sub(r"\s", "", number).upper())
    if method is None:
        raise Refusal("Your card number is incorrect, or not one of the test cards.", "incorrect_number", "card")
    session = state.get(KIND, session_id, "session")
    email = (session["customer_details"] or {}).get("email") or address
    session["customer_details"] = shape("customer_details", email=email)
    intent = _intent_of(state, session)
    facts = method["details"] | {"billing_details": shape("billing_details", email=email)}
    intent["payment_method"] = state.add("payment_method", None, method, **facts)["id"]
    _conclude(state, session, intent, method["outcome"])
    state.save(session)
    return method["outcome"]


def authenticate(state: State, session_id: str, confirmed: bool) -> str:
    """What the customer's bank answers for a card that asked for it: `paid`, or `declined`."""
    session = state.get(KIND, session_id, "session")
    intent = state.get("payment_intent", session["payment_intent"])
    if intent["status"] != "requires_action":
        raise Refusal("This payment asks for no confirmation.", "payment_intent_unexpected_state")
    _conclude(state, session, intent, "paid" if confirmed else "unauthenticated")
    return "paid" if confirmed else "declined"


def _intent_of(state: State, session: Object) -> Object:
    if session["payment_intent"]:
        return state.get("payment_intent", session["payment_intent"])
    identifier = session["payment_intent"] = new_id("pi_")
    parent = session | {"metadata": {}} | state.hidden(KIND, session["id"])["intent"]
    facts = {"id": identifier, "amount": session["amount_total"], "client_secret": new_id(f"{identifier}_secret_")}
    intent = state.add("payment_intent", parent, {"session": session["id"]}, **facts)
    play(state, "payment.created", intent=intent, session=session)
    return intent


def _conclude(state: State, session: Object, intent: Object, outcome: str) -> None:
    objects = {"session": session, "intent": intent}
    method = state.get("payment_method", intent["payment_method"])
    if outcome in ("paid", "declined", "processing"):
        prefix = "py_" if method["type"] == "sepa_debit" else "ch_"
        facts = {"id": new_id(prefix), "amount_captured": intent["amount"], "payment_intent": intent["id"]}
        facts |= {"payment_method_details": {name: method[name] for name in ("type", method["type"])}}
        objects["charge"] = state.add("charge", intent, billing_details=method["billing_details"], **facts)
        intent["latest_charge"] = objects["charge"]["id"]
    play(state, f"payment.{outcome}", **objects)
    if outcome == "processing":
        then = state.hidden("payment_method", method["id"])["then"]
        state.plan(state.now() + CONDUCT["settles_after_s"], f"settle {then}", intent["id"])
