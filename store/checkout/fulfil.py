"""Fulfilment: the one function that gives what was paid for, whoever calls it and however often.

The webhook, the return page and the reconciler all come here. What Stripe says now decides, not what an event said: the
Session is fetched, compared with our order, and then, under the order's lock, paid out once.
"""

from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Order
from store.checkout.start import issue_card
from store.customers.models import Customer
from store.db import transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import CheckoutSession
from store.jobs.enqueue import enqueue
from store.ledger.chart import STRIPE_CLEARING
from store.prepaid_cards.activate import activate
from store.stop import stop_at

log = structlog.get_logger()

SETTLED, ALREADY_SETTLED, UNPAID, NOT_OURS, MISMATCH = "settled", "already settled", "unpaid", "not ours", "mismatch"


def settle(session_id: str) -> str:
    """Give what the Session paid for, once; returns what came of it. Raises StripeUnavailable."""
    checkout = stripe_gateway.fetch_session(session_id)
    stop_at("settle.fetched")
    if checkout is None:
        return NOT_OURS
    return settle_fetched(checkout)


def settle_fetched(checkout: CheckoutSession) -> str:
    """The same for a Session that was fetched just now."""
    if checkout.mode != "payment" or checkout.reference is None:
        return NOT_OURS
    if checkout.payment_status != "paid":
        return UNPAID
    with transaction() as session:
        order = session.scalar(select(Order).where(Order.key == checkout.reference).with_for_update())
        stop_at("settle.locked")
        outcome = _judge(order, checkout)
        if order and outcome == SETTLED:
            _fulfil(session, order, checkout, clock.now())
    if outcome == MISMATCH:
        log.error("paid Session does not match its order", order=checkout.reference, amount=checkout.amount)
    stop_at("settle.committed")
    return outcome


def _judge(order: Order | None, checkout: CheckoutSession) -> str:
    if order is None:
        return NOT_OURS
    if (checkout.amount, checkout.currency) != (order.price_cents, order.currency):
        return MISMATCH
    if order.stripe_session_id not in (None, checkout.id):
        return MISMATCH
    return ALREADY_SETTLED if order.state == "paid" else SETTLED


def _fulfil(session: Session, order: Order, checkout: CheckoutSession, at: datetime) -> None:
    """Credit, card, confirmation: all or nothing. An order that lapsed before its money came is credited all the same."""
    wallet_id = session.scalars(select(Customer.wallet_id).where(Customer.id == order.customer_id)).one()
    card = issue_card(session, order, None, at)  # an order of the release before this one has none yet
    activate(
        session,
        reference=card.reference,
        wallet_id=wallet_id,
        funded_by=STRIPE_CLEARING,
        key=f"topup:{order.id}:credit",
        at=at,
    )
    stop_at("settle.credited")
    session.execute(
        update(Order)
        .where(Order.id == order.id)
        .values(
            state="paid",
            paid_at=at,
            stripe_session_id=checkout.id,
            stripe_payment_intent_id=checkout.payment_intent_id,
        )
    )
    enqueue(session, "checkout.mail_confirmation", {"order_id": order.id})
    if order.purpose == "gift":
        enqueue(session, "prepaid_cards.deliver_gifts", {})
    stop_at("settle.enqueued")
