"""Fulfilment: the one function that gives what was paid for, whoever calls it and however often.

The webhook, the return page and the reconciler all come here. What Stripe says now decides, not what an event said: the
Session is fetched, compared with our order, and then, under the order's lock, paid out once. A Session that is not paid
moves its order on as well: a bank debit is under way for days, and may fail.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from store import clock
from store.audit.alert import raise_alert
from store.audit.models import Facts
from store.checkout.models import Order
from store.checkout.receipts import issue_sale
from store.customers.models import Customer
from store.db import transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import CheckoutSession
from store.jobs.enqueue import enqueue
from store.ledger.chart import STRIPE_CLEARING
from store.prepaid_cards.activate import activate
from store.stop import stop_at

SETTLED, ALREADY_SETTLED, UNPAID, NOT_OURS, MISMATCH = "settled", "already settled", "unpaid", "not ours", "mismatch"
PROCESSING, FAILED, LAPSED = "processing", "failed", "lapsed"

ODD = {MISMATCH: "payment_mismatch", NOT_OURS: "payment_for_unknown_order"}
"""What paid for nothing of ours, and the alert that staff get: no credit is given for it."""

STATES_BEFORE = {
    PROCESSING: ("pending", "lapsed"),
    FAILED: ("pending", "lapsed", "processing"),
    LAPSED: ("pending",),
}
"""From which states an unpaid order goes on to each of these; a paid one stays paid."""


def settle(session_id: str) -> str:
    """Give what the Session paid for, once; returns what came of it. Raises StripeUnavailable."""
    checkout = stripe_gateway.fetch_session(session_id)
    stop_at("settle.fetched")
    if checkout is None:
        return NOT_OURS
    return settle_fetched(checkout)


def settle_fetched(checkout: CheckoutSession) -> str:
    """The same for a Session that was fetched just now."""
    if checkout.mode != "payment":
        return NOT_OURS
    if checkout.payment_status != "paid":
        return _note_progress(checkout)
    at = clock.now()
    with transaction() as session:
        claimed = _claim(session, checkout, at)
        stop_at("settle.locked")
        if claimed:
            _fulfil(session, *claimed, at)
        outcome = SETTLED if claimed else _why_not(session, checkout)
        if outcome in ODD:
            _tell_staff(session, checkout, ODD[outcome], at)
    stop_at("settle.committed")
    return outcome


def _claim(session: Session, checkout: CheckoutSession, at: datetime) -> tuple[Order, int] | None:
    """The order that this Session pays, locked and from now on paid, and the wallet of who placed it.

    None if there is no such order, or if somebody else settled it. One that lapsed before its money came is taken as well.
    """
    wallet_id = select(Customer.wallet_id).where(Customer.id == Order.customer_id).correlate(Order).scalar_subquery()
    row = session.execute(
        update(Order)
        .where(_is_paid_by(checkout), Order.state != "paid")
        .values(
            state="paid",
            paid_at=at,
            stripe_session_id=checkout.id,
            stripe_payment_intent_id=checkout.payment_intent_id,
        )
        .returning(Order, wallet_id)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def _is_paid_by(checkout: CheckoutSession) -> ColumnElement[bool]:
    """The condition that the Session is the order's own, and of its sum."""
    return (
        (Order.key == checkout.reference)
        & (Order.price_cents == checkout.amount)
        & (Order.currency == checkout.currency)
        & or_(Order.stripe_session_id.is_(None), Order.stripe_session_id == checkout.id)
    )


def _why_not(session: Session, checkout: CheckoutSession) -> str:
    matches = session.scalar(select(func.count()).select_from(Order).where(_is_paid_by(checkout)))
    if matches:
        return ALREADY_SETTLED
    return MISMATCH if session.scalar(select(Order.id).where(Order.key == checkout.reference)) else NOT_OURS


def _tell_staff(session: Session, checkout: CheckoutSession, kind: str, at: datetime) -> None:
    expected = session.scalar(select(Order.price_cents).where(Order.key == checkout.reference))
    facts: Facts = {"session": checkout.id, "amount": checkout.amount, "currency": checkout.currency}
    if expected is not None:
        facts = {**facts, "order": checkout.reference, "expected": expected}
    raise_alert(session, kind, f"session:{checkout.id}", facts, at)


def _fulfil(session: Session, order: Order, wallet_id: int, at: datetime) -> None:
    """Credit, cards, confirmation: all or nothing."""
    keys = {reference: f"topup{reference.removeprefix('order')}:credit" for reference in order.card_references}
    cards = activate(session, keys, wallet_id=wallet_id, funded_by=STRIPE_CLEARING, at=at)
    stop_at("settle.credited")
    issue_sale(session, order, cards, at)
    enqueue(session, "checkout.mail_confirmation", {"order_id": order.id})
    if order.purpose == "gift":
        enqueue(session, "prepaid_cards.deliver_gifts", {})
    if order.purpose == "gap":
        enqueue(session, "checkout.grant_film", {"order_id": order.id})
    stop_at("settle.enqueued")


def _note_progress(checkout: CheckoutSession) -> str:
    """What an unpaid Session makes of its order: nothing as long as it can be paid."""
    if checkout.status == "open":
        return UNPAID
    state = LAPSED if checkout.status == "expired" else FAILED if checkout.payment_failed else PROCESSING
    with transaction() as session:
        order_id = session.scalar(
            update(Order)
            .where(_is_paid_by(checkout), Order.state.in_(STATES_BEFORE[state]))
            .values(state=state, stripe_session_id=checkout.id)
            .returning(Order.id)
        )
        if order_id and state == FAILED:
            enqueue(session, "checkout.mail_failed", {"order_id": order_id})
    stop_at("settle.noted")
    return state
