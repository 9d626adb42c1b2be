"""Ask Stripe what was paid, and settle what no webhook and no return page has."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select, update

from store.checkout.fulfil import MISMATCH, NOT_OURS, SETTLED, settle_fetched
from store.checkout.models import Order
from store.db import db, transaction
from store.gateways import stripe_gateway

MARGIN = timedelta(minutes=5)
"""A Session may be a little older, by Stripe's clock, than the order that it belongs to is by ours."""


def reconcile(since: datetime, at: datetime) -> Iterator[str]:
    """Settle every completed Session since then; a sentence for each difference that was found, mended or not."""
    paid = set()
    for checkout in stripe_gateway.list_sessions(since - MARGIN):
        if checkout.status != "complete":
            continue
        if checkout.payment_status == "paid":
            paid.add(checkout.id)
        outcome = settle_fetched(checkout)
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
    for order_id, session_id in db.session.execute(credited.order_by(Order.id)):
        if session_id not in paid:
            yield f"order {order_id}: credited, but Stripe does not list {session_id} as paid"


def _let_unpaid_orders_lapse(at: datetime) -> None:
    with transaction() as session:
        session.execute(update(Order).where(Order.state == "pending", Order.expires_at <= at).values(state="lapsed"))
