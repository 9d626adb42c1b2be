"""Agreement with Stripe: every Session, refund, dispute and balance movement of a period beside orders, ledger and entitlements.

What no webhook and no return page has settled is settled here; whatever was found is named, mended or not.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, exists, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from store.checkout import clearing
from store.checkout.dispute import DECIDED, INQUIRY, settle_dispute
from store.checkout.fulfil import MISMATCH, NOT_OURS, SETTLED, settle, settle_fetched
from store.checkout.grant_film import grant_film
from store.checkout.models import Dispute, Order, Refund
from store.checkout.refund import STATE_OF_STATUS, send, settle_refund
from store.checkout.sync import sync_payment
from store.db import db, transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import StripeDispute, StripeRefund
from store.ledger.models import Journal
from store.rentals.models import Entitlement
from store.rentals.rent import reference_of

USUAL_PERIOD = timedelta(days=30)

MARGIN = timedelta(minutes=5)
"""A Session may be a little older, by Stripe's clock, than the order that it belongs to is by ours."""


def reconcile(since: datetime, at: datetime) -> Iterator[str]:
    """Settle whatever was missed since then; a sentence for each difference that was found, mended or not."""
    yield from _sessions(since, at)
    yield from _refunds(since, at)
    yield from _disputes(since)
    _look_again_at_what_is_open(since)
    yield from _films(since, at)
    yield from clearing.follow(since - MARGIN, at)
    yield from clearing.compare()
    db.session.rollback()


def _sessions(since: datetime, at: datetime) -> Iterator[str]:
    paid = set()
    for checkout in stripe_gateway.list_sessions(since - MARGIN):
        if checkout.status != "complete":
            continue
        outcome = settle_fetched(checkout)
        if checkout.payment_status == "paid":
            paid.add(checkout.id)
        if outcome == SETTLED:
            yield f"{checkout.id}: was paid and not credited; settled now"
        elif outcome == MISMATCH:
            yield f"{checkout.id}: paid {checkout.amount} {checkout.currency}, which is not what its order says; not credited"
        elif outcome == NOT_OURS:
            yield f"{checkout.id}: paid, but for no order of this shop"
    yield from _orders_that_stripe_does_not_confirm(since, paid)
    _let_unpaid_orders_lapse(at)


def _orders_that_stripe_does_not_confirm(since: datetime, paid: set[str]) -> Iterator[str]:
    credited = select(Order.id, Order.stripe_session_id).where(Order.state == "paid", Order.created_at >= since)
    for order_id, session_id in db.session.execute(credited.order_by(Order.id)).all():
        if session_id not in paid and not _is_paid(session_id):
            yield f"order {order_id}: credited, but Stripe does not list {session_id} as paid"


def _is_paid(session_id: str | None) -> bool:
    """Asked of the one Session: it may have been paid since all were listed."""
    checkout = stripe_gateway.fetch_session(session_id) if session_id else None
    return checkout is not None and checkout.payment_status == "paid"


def _let_unpaid_orders_lapse(at: datetime) -> None:
    with transaction() as session:
        session.execute(update(Order).where(Order.state == "pending", Order.expires_at <= at).values(state="lapsed"))


def _refunds(since: datetime, at: datetime) -> Iterator[str]:
    """All that Stripe has, then those that Stripe was never asked for."""
    listed = set()
    for seen in stripe_gateway.list_refunds(since - MARGIN):
        listed.add(seen.id)
        if _state_of(Refund.state, Refund.stripe_refund_id == seen.id) != STATE_OF_STATUS.get(seen.status):
            settle_refund(seen)
            yield _told(seen, _state_of(Refund.state, Refund.stripe_refund_id == seen.id))
    ours = select(Refund.id, Refund.stripe_refund_id).where(Refund.stripe_refund_id.is_not(None))
    for refund_id, stripe_id in db.session.execute(ours.where(Refund.asked_at >= since).order_by(Refund.id)).all():
        if stripe_id not in listed:
            yield f"refund {refund_id}: booked, but Stripe does not list {stripe_id}"
    forgotten = select(Refund.id).where(Refund.state == "reserved", Refund.asked_at < at - MARGIN)
    for refund_id in db.session.scalars(forgotten.order_by(Refund.id)).all():
        send(refund_id)
        yield f"refund {refund_id}: was reserved and Stripe not asked; asked now"


def _disputes(since: datetime) -> Iterator[str]:
    for seen in stripe_gateway.list_disputes(since - MARGIN):
        if seen.status.startswith(INQUIRY):
            continue
        condition = Dispute.stripe_dispute_id == seen.id
        if _state_of(Dispute.state, condition) != DECIDED.get(seen.status, "open"):
            settle_dispute(seen)
            yield _told(seen, _state_of(Dispute.state, condition))


def _look_again_at_what_is_open(since: datetime) -> None:
    """What began before the period may have ended since: disputes are decided after months, debits after days."""
    begun = select(Order.stripe_payment_intent_id).where(
        or_(
            Order.id.in_(select(Dispute.order_id).where(Dispute.state == "open", Dispute.opened_at < since)),
            Order.id.in_(select(Refund.order_id).where(Refund.state == "pending", Refund.asked_at < since)),
        )
    )
    for payment_intent_id in db.session.scalars(begun).all():
        sync_payment(payment_intent_id or "")
    debits = select(Order.stripe_session_id).where(Order.state == "processing", Order.created_at < since)
    for session_id in db.session.scalars(debits).all():
        settle(session_id or "")


def _state_of(column: InstrumentedAttribute[str], condition: ColumnElement[bool]) -> str | None:
    state = db.session.scalar(select(column).where(condition))
    db.session.rollback()
    return state


def _told(seen: StripeRefund | StripeDispute, state: str | None) -> str:
    if state is None:
        return f"{seen.id}: {seen.amount} {seen.currency} went back, but of no order of this shop"
    return f"{seen.id}: is {seen.status} at Stripe and was not here; now {state}"


def _films(since: datetime, at: datetime) -> Iterator[str]:
    """Films that were paid for and not given, or given and not paid for."""
    waiting = select(Order.id).where(
        Order.purpose == "gap", Order.state == "paid", Order.film_outcome.is_(None), Order.paid_at >= since
    )
    for order_id in db.session.scalars(waiting.order_by(Order.id)).all():
        grant_film(order_id, at)
        yield f"order {order_id}: its film was paid for and not given; done now"
    given = select(Entitlement.id).where(Entitlement.granted_at >= since, Entitlement.price_cents > 0)
    spend_key = literal("entitlement:").concat(cast(Entitlement.id, String)).concat(":spend")
    unpaid = given.where(~exists().where(Journal.idempotency_key == spend_key))
    for entitlement_id in db.session.scalars(unpaid.order_by(Entitlement.id)).all():
        yield f"{reference_of(entitlement_id)}: was given, but the books know no spend for it"
