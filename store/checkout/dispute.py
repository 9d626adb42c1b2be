"""Disputes: the customer's bank pulls a payment back. What is left of its cards is held until the bank has decided.

Won, exactly that is released, and pays first what is owed for a refund of meanwhile; lost, it is written off, and what had been
spent already is the shop's loss. Won after it was lost, it is as if it had been won at once.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock
from store.audit.alert import raise_alert
from store.checkout.models import Dispute, Order
from store.checkout.recover import hold_for, recover
from store.db import transaction
from store.gateways.stripe_gateway import StripeDispute
from store.ledger.chart import BAD_DEBTS, DISPUTE_CLAIMS, STRIPE_CLEARING
from store.ledger.post import Entry, transfer
from store.prepaid_cards.holds import give_up, release, take_again
from store.stop import stop_at

INQUIRY = "warning_"
"""Stripe's statuses that begin so are questions of the bank: no money has moved (docs.stripe.com/disputes/how-disputes-work)."""

DECIDED = {"won": "won", "lost": "lost"}


def settle_dispute(seen: StripeDispute) -> None:
    """Bring our dispute to where Stripe's stands, once, whoever says so and in whatever order."""
    if seen.status.startswith(INQUIRY):
        return
    at = clock.now()
    with transaction() as session:
        order = session.scalar(
            select(Order)
            .where(Order.stripe_payment_intent_id == seen.payment_intent_id, Order.state == "paid")
            .with_for_update(key_share=True)
        )
        stop_at("dispute.locked")
        if order is None:
            return
        known = session.scalar(select(Dispute).where(Dispute.stripe_dispute_id == seen.id))
        known = known or _open(session, order, seen, at)
        if known.state == "open":
            _hold_what_is_left(session, order, known, at)
            _decide(session, order, known, DECIDED.get(seen.status), at)
        elif (known.state, seen.status) == ("lost", "won"):
            _regain(session, order, known, at)
        elif known.state == "lost":
            recover(session, order, at)
        stop_at("dispute.booked")
    stop_at("dispute.settled")


def _open(session: Session, order: Order, seen: StripeDispute, at: datetime) -> Dispute:
    known = Dispute(
        stripe_dispute_id=seen.id,
        order_id=order.id,
        amount_cents=seen.amount,
        state="open",
        respond_by=seen.respond_by,
        opened_at=at,
    )
    session.add(known)
    session.flush()
    _book(session, order, known, "opened", Entry(DISPUTE_CLAIMS, STRIPE_CLEARING, known.amount_cents), at)
    return known


def _hold_what_is_left(session: Session, order: Order, known: Dispute, at: datetime) -> None:
    held = hold_for(session, order, known, at)
    facts = _facts(order, known) | {"held": held}
    if known.respond_by:
        facts["respond_by"] = known.respond_by.isoformat()
    raise_alert(session, "dispute_opened", f"{known.reference}:opened", facts, at)


def _decide(session: Session, order: Order, known: Dispute, outcome: str | None, at: datetime) -> None:
    if outcome is None:
        return
    known.state, known.ended_at = outcome, at
    facts = _facts(order, known)
    if outcome == "won":
        _book(session, order, known, "won", Entry(STRIPE_CLEARING, DISPUTE_CLAIMS, known.amount_cents), at)
        release(session, known.reference, at)
        recover(session, order, at)
    else:
        written_off = give_up(session, known.reference, DISPUTE_CLAIMS, at)
        loss = known.amount_cents - written_off
        if loss:
            _book(session, order, known, "lost", Entry(BAD_DEBTS, DISPUTE_CLAIMS, loss), at)
        facts["written_off"] = written_off
    raise_alert(session, f"dispute_{outcome}", f"{known.reference}:{outcome}", facts, at)


def _regain(session: Session, order: Order, known: Dispute, at: datetime) -> None:
    """The bank has changed its mind after the loss was booked: the money is back, and so is all that was written off."""
    known.state, known.ended_at = "won", at
    _book(session, order, known, "regained", Entry(STRIPE_CLEARING, BAD_DEBTS, known.amount_cents), at)
    take_again(session, known.reference, BAD_DEBTS, at)
    release(session, known.reference, at)
    recover(session, order, at)
    raise_alert(session, "dispute_won", f"{known.reference}:won", _facts(order, known), at)


def _book(session: Session, order: Order, known: Dispute, step: str, entry: Entry, at: datetime) -> None:
    transfer(
        session,
        [entry],
        kind=f"dispute_{step}",
        key=f"{known.reference}:{step}",
        reference=known.reference,
        currency=order.currency,
        at=at,
    )


def _facts(order: Order, known: Dispute) -> dict[str, str | int]:
    return {"dispute": known.stripe_dispute_id, "order": order.id, "amount": known.amount_cents}
