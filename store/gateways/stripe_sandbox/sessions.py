"""The life of a Checkout Session: made, shown, expired; `payments.py` is about paying it."""

from flask import request

from .events import play
from .parameters import Params, items, metadata, part
from .refusal import Refusal
from .state import Object, State, new_id, shape

KIND = "checkout.session"
MINIMUM = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30}  # cents: Stripe's table of minimum charges
HALF_AN_HOUR_S, A_DAY_S = 1_800, 86_400
ECHOED = ("cancel_url", "client_reference_id", "customer", "customer_email", "locale", "success_url")


def create(state: State, params: Params, _: str) -> Object:
    """A new open Session, payable on a page of this sandbox."""
    lines = [line(part(params, item)) for item in items(params, "line_items")]
    identifier, total, address = new_id("cs_test_a1", 56), sum_up(lines), address_of(state, params)
    session = state.add(
        KIND,
        {"lines": lines, "intent": part(params, "payment_intent_data")},
        **{name: params.get(name) for name in ECHOED},
        id=identifier,
        url=f"{request.host_url}c/pay/{identifier}",
        expires_at=expiry(state, params.get("expires_at")),
        currency=lines[0]["currency"],
        amount_subtotal=total,
        amount_total=total,
        customer_details=shape("customer_details", email=address) if address else None,
        metadata=metadata(params),
    )
    state.plan(session["expires_at"], "expire", identifier)
    return session


def line(item: Params) -> Object:
    """What the page shows of an item; its amount in cents is that of the whole line."""
    price = part(item, "price_data")
    amount = price["unit_amount"] * item["quantity"]
    name = price["product_data[name]"]
    return {"name": name, "quantity": item["quantity"], "amount": amount, "currency": price["currency"]}


def sum_up(lines: list[Object]) -> int:
    """The total in cents: of one currency, and at least what Stripe collects."""
    currency = lines[0]["currency"]
    if any(line["currency"] != currency for line in lines):
        raise Refusal("All line items must have the same currency.", param="line_items")
    total = sum(line["amount"] for line in lines)
    if total < MINIMUM[currency]:
        message = f"The Checkout Session's total amount due must add up to at least 0.{MINIMUM[currency]} {currency}"
        raise Refusal(message, "amount_too_small")
    return total


def address_of(state: State, params: Params) -> str | None:
    """The e-mail address, given as such or by a customer's id, but not by both."""
    if "customer" not in params:
        return params.get("customer_email")
    if "customer_email" in params:
        raise Refusal("You may only specify one of these parameters: customer, customer_email.", param="customer")
    return state.get("customer", params["customer"], "customer")["email"]


def expiry(state: State, asked: int | None) -> int:
    """When the Session ends, by the sandbox's clock: after 30 minutes at least and 24 hours at most.

    A caller whose clock was not advanced along with the sandbox's asks by the machine's.
    """
    now = state.now()
    life = A_DAY_S if asked is None else asked - now
    if life < 0:
        life += int(state.setting("clock_ahead_s", "0"))
    if not HALF_AN_HOUR_S <= life <= A_DAY_S:
        bound = "at least 30 minutes" if life < HALF_AN_HOUR_S else "less than 24 hours"
        message = f"The `expires_at` timestamp must be {bound} from Checkout Session creation."
        raise Refusal(message, param="expires_at")
    return now + life


def expire(state: State, _: Params, identifier: str) -> Object:
    """End an open Session."""
    session = state.get(KIND, identifier, "session")
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired. '
        message += f"This Checkout Session has a status of `{session['status']}`."
        raise Refusal(message, param="session")
    play(state, "session.expired", session=session)
    return session
