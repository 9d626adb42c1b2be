"""Refunding a film that was rented or bought: its price is credit again, and the right to it ends, begun or not."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.customers.models import Customer
from store.ledger.post import lock_wallet
from store.rentals.models import Entitlement
from store.rentals.undo import give_back
from store.stop import stop_at


class NotRefundable(Exception):
    """There is no such entitlement, or it cost nothing, or its price was given back before."""


def wallet_of(session: Session, entitlement_id: int) -> int:
    """The wallet that an entitlement was paid from. Raises NotRefundable if there is none."""
    query = select(Customer.wallet_id).join(Entitlement, Entitlement.customer_id == Customer.id)
    wallet_id = session.scalar(query.where(Entitlement.id == entitlement_id))
    if wallet_id is None:
        raise NotRefundable(entitlement_id)
    return wallet_id


def refund(session: Session, wallet_id: int, entitlement_id: int, at: datetime) -> int:
    """End the entitlement and put its price back into the lots that it came from; returns the cents. Raises NotRefundable."""
    wallet = lock_wallet(session, wallet_id)
    stop_at("film_refund.locked")
    held = session.scalar(
        select(Entitlement)
        .where(Entitlement.id == entitlement_id, Entitlement.revoked_at.is_(None), Entitlement.price_cents > 0)
        .with_for_update(key_share=True)
    )
    if held is None:
        raise NotRefundable(entitlement_id)
    give_back(session, wallet, held.id, kind="film_refunded", key="refund", at=at)
    stop_at("film_refund.reversed")
    return held.price_cents
