"""The life of a Checkout Session: made, shown, expired; `payments.py` is about paying it."""

from flask import request

from .parameters import items, part
from .scenes import play
from .state import State, new_id, shape
from .tables import CONDUCT, Object, Refusal

KIND = "checkout.session"
HALF_AN_HOUR_S, A_DAY_S = 1_800, 86_400


def create(state: State, params: Object, _: str) -> Object:
    """A new open Session, payable on a page of this sandbox."""
    lines = [_line(part(params, item)) for item in items(params, "line_items")]
    identifier, total, email = new_id("cs_test_a1", 56), _total(lines), _email(state, params)
    facts = {"id": identifier, "url": f"{request.host_url}c/pay/{identifier}", "currency": lines[0]["currency"]}
    facts |= {"amount_subtotal": total, "amount_total": total, "expires_at": _expiry(state, params.get("expires_at"))}
    facts |= {"customer_details": shape("customer_details", email=email) if email else None}
    session = state.add(KIND, params, {"lines": lines, "intent": part(params, "payment_intent_data")}, **facts)
    state.plan(session["expires_at"], "expire", identifier)
    return session


def _line(item: Object) -> Object:
    price = part(item, "price_data")
    amount, name = price["unit_amount"] * item["quantity"], price["product_data[name]"]
    return {"name": name, "quantity": item["quantity"], "amount": amount, "currency": price["currency"]}


def _total(lines: list[Object]) -> int:
    total, currency = sum(line["amount"] for line in lines), lines[0]["currency"]
    if any(line["currency"] != currency for line in lines):
        raise Refusal("All line items must have the same currency.", param="line_items")
    minimum = CONDUCT["currencies"][currency]["minimum"]
    if total < minimum:
        message = f"The Checkout Session's total amount due must add up to at least 0.{minimum} {currency}"
        raise Refusal(message, "amount_too_small")
    return total


def _email(state: State, params: Object) -> str | None:
    if "customer" not in params:
        return params.get("customer_email")
    if "customer_email" in params:
        raise Refusal("You may only specify one of these parameters: customer, customer_email.", param="customer")
    return state.get("customer", params["customer"], "customer")["email"]


def _expiry(state: State, asked: int | None) -> int:
    """By the sandbox's clock; a caller whose own was not put forward along with it asks by the machine's."""
    now, ahead_s = state.now(), int(state.setting("ahead_s", "0"))
    lives = [A_DAY_S] if asked is None else [asked - now, asked - now + ahead_s]
    for life in lives:
        if HALF_AN_HOUR_S <= life <= A_DAY_S:
            return now + life
    bound = "at least 30 minutes" if lives[0] < HALF_AN_HOUR_S else "less than 24 hours"
    raise Refusal(f"The `expires_at` timestamp must be {bound} from Checkout Session creation.", param="expires_at")


def expire(state: State, _: Object, identifier: str) -> Object:
    """End an open Session."""
    session = state.get(KIND, identifier, "session")
    play(state, "session.expired", session=session)
    return session
