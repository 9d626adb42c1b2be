"""The life of a Checkout Session: made, paid or declined, expired. Each function runs inside of one transaction."""

from . import events
from .parameters import EMAIL, INSTANT, INTEGER, NOTE, QUANTITY, TEXT, URL, Kind, Params, items, part
from .refusal import Refusal
from .state import Object, State, new_id, shape

KIND = "checkout.session"
CARDS = {"4242424242424242": "paid", "4000000000000002": "declined"}
MINIMUM = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30}  # cents: Stripe's table of minimum charges
HALF_AN_HOUR_S, A_DAY_S = 1_800, 86_400

CREATE = {
    "cancel_url": URL,
    "client_reference_id": TEXT._replace(pattern=".{1,200}"),
    "customer_email": EMAIL,
    "expand[]": TEXT,
    "expires_at": INSTANT,
    "line_items[][price_data][currency]!": Kind("|".join(MINIMUM)),
    "line_items[][price_data][product_data][name]!": TEXT,
    "line_items[][price_data][unit_amount]!": INTEGER,
    "line_items[][quantity]!": QUANTITY,
    "locale": Kind("auto|fil|es-419|[a-z]{2}(-[A-Z]{2})?"),
    "metadata[*]": NOTE,
    "mode!": Kind("payment"),
    "payment_intent_data[description]": TEXT,
    "payment_intent_data[metadata][*]": NOTE,
    "payment_intent_data[receipt_email]": EMAIL,
    "success_url!": URL,
    "ui_mode": Kind("hosted_page"),
}
ECHOED = ("cancel_url", "client_reference_id", "customer_email", "locale", "success_url")


def create(state: State, params: Params, origin: str) -> Object:
    """A new open Session whose page lies under `origin`; `params` as `CREATE` reads them."""
    now = state.now()
    lines = [line(part(params, item)) for item in items(params, "line_items")]
    total = sum_up(lines)
    expires_at = params.get("expires_at", now + A_DAY_S)
    check_expiry(expires_at, now)
    identifier, address = new_id("cs_test_a1", 56), params.get("customer_email")
    body = shape(KIND, **{name: params.get(name) for name in ECHOED}, metadata=filled(part(params, "metadata")))
    body |= {"id": identifier, "url": f"{origin}/c/pay/{identifier}", "created": now, "expires_at": expires_at}
    body |= {"currency": lines[0]["currency"], "amount_subtotal": total, "amount_total": total}
    body |= {"customer_details": shape("customer_details", email=address) if address else None}
    return state.add(body, {"lines": lines, "intent": part(params, "payment_intent_data")})


def line(item: Params) -> Object:
    """What the page shows of an item; its amount in cents is that of the whole line."""
    price = part(item, "price_data")
    amount = price["unit_amount"] * item["quantity"]
    name = price["product_data[name]"]
    return {"name": name, "quantity": item["quantity"], "amount": amount, "currency": price["currency"]}


def filled(metadata: Params) -> Params:
    """Metadata without the keys that an empty value unsets."""
    return {key: value for key, value in metadata.items() if value}


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


def check_expiry(expires_at: int, now: int) -> None:
    """Stripe keeps a Session open for 30 minutes at least and 24 hours at most."""
    if not now + HALF_AN_HOUR_S <= expires_at <= now + A_DAY_S:
        bound = "at least 30 minutes" if expires_at < now + HALF_AN_HOUR_S else "less than 24 hours"
        message = f"The `expires_at` timestamp must be {bound} from Checkout Session creation."
        raise Refusal(message, param="expires_at")


def pay(state: State, identifier: str, card: str, address: str | None = None) -> str:
    """One attempt with a card, whose number is not kept: `paid`, or `declined`, and the Session stays open."""
    result = CARDS.get(card.replace(" ", ""))
    if result is None:
        raise Refusal("Your card number is incorrect, or not one of the test cards.", "incorrect_number", "card")
    session = state.get(KIND, identifier, "session")
    if session["status"] != "open":
        message = f"This Checkout Session has a status of `{session['status']}`."
        raise Refusal(message, "session_not_open", "session")
    session["customer_details"] = shape("customer_details", email=session["customer_email"] or address)
    intent = intent_of(state, session)
    notices = succeed(session, intent) if result == "paid" else decline(intent)
    state.save(session)
    state.save(intent)
    events.emit(state, notices)
    return result


def intent_of(state: State, session: Object) -> Object:
    """The Session's PaymentIntent, which its first attempt makes."""
    if session["payment_intent"]:
        return state.get("payment_intent", session["payment_intent"])
    identifier = session["payment_intent"] = new_id("pi_")
    params = state.hidden(KIND, session["id"])["intent"]
    intent = shape("payment_intent", metadata=filled(part(params, "metadata")))
    intent |= {name: params.get(name) for name in ("description", "receipt_email")}
    intent |= {"id": identifier, "created": state.now(), "client_secret": new_id(f"{identifier}_secret_")}
    return state.add(intent | {"amount": session["amount_total"], "currency": session["currency"]})


def succeed(session: Object, intent: Object) -> list[events.Notice]:
    """The money is taken."""
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    intent |= {"latest_charge": new_id("ch_"), "payment_method": new_id("pm_")}
    session |= {"status": "complete", "payment_status": "paid", "url": None}
    return [("payment_intent.succeeded", intent), ("checkout.session.completed", session)]


def decline(intent: Object) -> list[events.Notice]:
    """The bank says no; another card may be tried."""
    error = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"}
    intent["last_payment_error"] = error | {"message": "Your card was declined."}
    return [("payment_intent.payment_failed", intent)]


def expire(state: State, session: Object, request: Object | None = None) -> Object:
    """Ends an open Session; `request` tells which call of the API did it, if one did."""
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired. '
        message += f"This Checkout Session has a status of `{session['status']}`."
        raise Refusal(message, param="session")
    session |= {"status": "expired", "url": None}
    state.save(session)
    events.emit(state, [("checkout.session.expired", session)], request)
    return session


def expire_overdue(state: State) -> None:
    """Ends every open Session whose time is over."""
    is_open, is_over = "json_extract(body, '$.status') = 'open'", "json_extract(body, '$.expires_at') <= ?"
    for session in state.select(KIND, {f"{is_open} AND {is_over}": state.now()}):
        expire(state, session)
