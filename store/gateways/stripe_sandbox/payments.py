"""Paying a Session: by card, at once or after a confirmation (3-D Secure), or by a bank debit that settles days later."""

import re

from .balance import book
from .conduct import METHODS, SETTLES_AFTER_S
from .events import play
from .parameters import metadata
from .refusal import Refusal
from .sessions import KIND
from .state import Object, State, new_id, shape


def pay(state: State, session_id: str, number: str, address: str | None = None) -> str:
    """One attempt with a test card or IBAN, whose number is not kept.

    `paid`; `declined`, and the Session stays open; `processing`, for a bank debit; `requires_action`, see `authenticate()`.
    """
    method = METHODS.get(re.sub(r"\s", "", number).upper())
    if method is None:
        raise Refusal("Your card number is incorrect, or not one of the test cards.", "incorrect_number", "card")
    session = open_session(state, session_id)
    email = session["customer_email"] or (session["customer_details"] or {}).get("email") or address
    session["customer_details"] = shape("customer_details", email=email)
    intent = intent_of(state, session)
    billing = shape("billing_details", email=email)
    paid_with = state.add("payment_method", method, billing_details=billing, **method["details"])
    intent["payment_method"] = paid_with["id"]
    state.save(session)
    if method["outcome"] == "requires_action":
        play(state, "payment.requires_action", intent=intent)
    else:
        charge(state, session, intent, method["outcome"])
    return method["outcome"]


def authenticate(state: State, session_id: str, confirmed: bool) -> str:
    """What the customer's bank answers for a card that asked for it: `paid`, or `declined`."""
    session = open_session(state, session_id)
    intent = state.get("payment_intent", session["payment_intent"] or "")
    if intent["status"] != "requires_action":
        raise Refusal("This payment asks for no authentication.", "payment_intent_unexpected_state")
    if not confirmed:
        play(state, "payment.unauthenticated", intent=intent)
        return "declined"
    charge(state, session, intent, "paid")
    return "paid"


def open_session(state: State, identifier: str) -> Object:
    """The Session, if it can still be paid."""
    session = state.get(KIND, identifier, "session")
    if session["status"] != "open":
        message = f"This Checkout Session has a status of `{session['status']}`."
        raise Refusal(message, "session_not_open", "session")
    return session


def intent_of(state: State, session: Object) -> Object:
    """The Session's PaymentIntent, which its first attempt makes."""
    if session["payment_intent"]:
        return state.get("payment_intent", session["payment_intent"])
    identifier = session["payment_intent"] = new_id("pi_")
    params = state.hidden(KIND, session["id"])["intent"]
    intent = state.add(
        "payment_intent",
        {"session": session["id"]},
        **{name: params.get(name) for name in ("description", "receipt_email")},
        **{name: session[name] for name in ("currency", "customer")},
        id=identifier,
        amount=session["amount_total"],
        client_secret=new_id(f"{identifier}_secret_"),
        metadata=metadata(params),
    )
    play(state, "payment.created", intent=intent)
    return intent


def charge(state: State, session: Object, intent: Object, outcome: str) -> None:
    """The charge in which an attempt ends: `paid`, `declined` or `processing`."""
    paid_with = state.get("payment_method", intent["payment_method"])
    debit = paid_with["type"] == "sepa_debit"
    echoed = ("amount", "currency", "customer", "description", "metadata", "payment_method", "receipt_email")
    made = state.add(
        "charge",
        **{name: intent[name] for name in echoed},
        id=new_id("py_" if debit else "ch_"),
        amount_captured=intent["amount"],
        billing_details=paid_with["billing_details"],
        payment_intent=intent["id"],
        payment_method_details={name: paid_with[name] for name in ("type", paid_with["type"])},
    )
    intent["latest_charge"] = made["id"]
    if outcome == "paid":  # captured asynchronously: first the charge, a moment later what it brings
        play(state, "payment.charged", charge=made)
    if outcome != "declined":
        made["balance_transaction"] = book(state, "payment" if debit else "charge", made, made["amount"])["id"]
    play(state, f"payment.{outcome}", charge=made, intent=intent, session=session)
    if outcome == "processing":
        then = state.hidden("payment_method", paid_with["id"])["then"]
        state.plan(state.now() + SETTLES_AFTER_S, f"settle {then}", intent["id"])


def settle(state: State, outcome: str, intent_id: str) -> Object:
    """The end of a bank debit: it `succeeded`, or it `failed`."""
    intent = state.get("payment_intent", intent_id)
    if intent["status"] != "processing":
        raise Refusal("This payment is not processing.", "payment_intent_unexpected_state")
    made = state.get("charge", intent["latest_charge"])
    session = state.get(KIND, state.hidden("payment_intent", intent_id)["session"])
    if outcome == "failed":
        made["failure_balance_transaction"] = book(state, "payment_failure_refund", made, -made["amount"])["id"]
    play(state, f"debit.{outcome}", charge=made, intent=intent, session=session)
    return intent
