"""Stripe's account of our money: a balance transaction for each movement, the balance, and payouts to our bank."""

from .conduct import BOOKINGS
from .events import play
from .parameters import Params
from .refusal import Refusal
from .state import Object, State, shape

A_DAY_S = 86_400


def book(state: State, kind: str, source: Object, amount: int) -> Object:
    """The balance transaction of a movement: `amount` cents, less the fee that `conduct.json` has for its kind."""
    rule = BOOKINGS[kind]
    fee = (amount * rule.get("fee_per_mille", 0) + 500) // 1000 + rule.get("fee", 0)
    detail = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    days = rule.get("days", 0)
    booked = state.add(
        "balance_transaction",
        amount=amount,
        available_on=state.now() + days * A_DAY_S,
        currency=source["currency"],
        fee=fee,
        fee_details=[detail | {"description": rule["fee_description"]}] if fee else [],
        net=amount - fee,
        reporting_category=rule["reporting_category"],
        source=source["id"],
        status="pending" if days else "available",
        type=rule.get("type", kind),
    )
    if days:
        state.plan(booked["available_on"], "release", booked["id"])
    return booked


def release(state: State, _: Params, identifier: str) -> Object:
    """From now on the money of this balance transaction can be paid out."""
    booked = state.get("balance_transaction", identifier) | {"status": "available"}
    state.save(booked)
    return booked


def retrieve(state: State, _: Params, __: str) -> Object:
    """The balance by currency: what can be paid out, and what cannot yet."""
    sums = {"available": {"eur": 0}, "pending": {"eur": 0}}
    for row in state.query("SELECT status, currency, SUM(net) AS net FROM booked GROUP BY status, currency"):
        sums[row["status"]][row["currency"]] = row["net"]
    parts = {
        status: [{"amount": net, "currency": currency, "source_types": {"card": net}} for currency, net in by.items()]
        for status, by in sums.items()
    }
    return shape("balance", **parts)


def pay_out(state: State, _: Params, __: str) -> Object:
    """All that is available in euros goes to our bank."""
    unpaid = "SELECT id, net FROM booked WHERE status = 'available' AND currency = 'eur' AND payout IS NULL"
    total = sum(row["net"] for row in state.query(unpaid))
    if total <= 0:
        raise Refusal("Nothing is available to be paid out.", "balance_insufficient")
    payout = state.add("payout", amount=total, currency="eur", arrival_date=state.now())
    payout["balance_transaction"] = book(state, "payout", payout, -total)["id"]
    for row in state.query(unpaid):
        state.query("UPDATE object SET hidden = json_set(hidden, '$.payout', ?) WHERE id = ?", payout["id"], row["id"])
    play(state, "payout.paid", payout=payout)
    return payout
