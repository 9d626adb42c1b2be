"""Stripe's balance, the sum of its balance transactions, and payouts of it to our bank."""

from .scenes import play
from .state import State, shape
from .tables import Object, Refusal


def retrieve(state: State, _: Object, __: str) -> Object:
    """The balance by currency: what can be paid out, and what cannot yet."""
    balance = shape("balance")
    for row in state.query("SELECT status, currency, SUM(net) AS net FROM booked GROUP BY status, currency"):
        part = {"amount": row["net"], "currency": row["currency"], "source_types": {"card": row["net"]}}
        balance[row["status"]].append(part)
    for status in ("available", "pending"):
        balance[status] = balance[status] or [{"amount": 0, "currency": "eur", "source_types": {"card": 0}}]
    return balance


def release(state: State, _: Object, identifier: str) -> None:
    """From now on the money of this balance transaction can be paid out."""
    state.save(state.get("balance_transaction", identifier) | {"status": "available"})


def pay_out(state: State, _: Object, __: str) -> Object:
    """All that is available in euros goes to our bank."""
    unpaid = "SELECT id, net FROM booked WHERE status = 'available' AND currency = 'eur' AND payout IS NULL"
    total = sum(row["net"] for row in state.query(unpaid))
    if total <= 0:
        raise Refusal("Nothing is available to be paid out.", "balance_insufficient")
    payout = state.add("payout", amount=total, currency="eur", arrival_date=state.now())
    play(state, "payout.paid", payout=payout)
    for row in state.query(unpaid):
        state.query("UPDATE object SET hidden = json_set(hidden, '$.payout', ?) WHERE id = ?", payout["id"], row["id"])
    return payout
