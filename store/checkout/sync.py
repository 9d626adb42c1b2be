"""Bringing one payment to where Stripe says that it stands: paid, refunded, disputed, in this order.

Events only say that something happened; what did is fetched. So it is the same whether they come late, twice, reordered or
not at all, and a refund that is heard of before its payment nets to nothing.
"""

from sqlalchemy import select

from store import clock
from store.audit.alert import raise_alert
from store.checkout.dispute import settle_dispute
from store.checkout.fulfil import settle_fetched
from store.checkout.models import Order
from store.checkout.refund import settle_refund
from store.db import db, transaction
from store.gateways import stripe_gateway


def sync_payment(payment_intent_id: str) -> None:
    """Settle the payment's order if that is still to do, then its refunds and disputes. Raises StripeUnavailable."""
    if not _is_settled(payment_intent_id):
        checkout = stripe_gateway.session_of_payment(payment_intent_id)
        if checkout is not None:
            settle_fetched(checkout)
    if not _is_settled(payment_intent_id):
        _tell_of_a_strange_payment(payment_intent_id)
        return
    for refund in stripe_gateway.refunds_of(payment_intent_id):
        settle_refund(refund)
    for dispute in stripe_gateway.disputes_of(payment_intent_id):
        settle_dispute(dispute)


def _is_settled(payment_intent_id: str) -> bool:
    found = select(Order.id).where(Order.stripe_payment_intent_id == payment_intent_id, Order.state == "paid")
    is_settled = db.session.scalar(found) is not None
    db.session.rollback()  # no read stays open while Stripe is asked
    return is_settled


def _tell_of_a_strange_payment(payment_intent_id: str) -> None:
    with transaction() as session:
        facts = {"reference": payment_intent_id}
        raise_alert(session, "payment_for_unknown_order", f"payment:{payment_intent_id}", facts, clock.now())
