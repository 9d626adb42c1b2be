"""Which films a customer has seen: remembered from the day that they ask for it, forgotten when they say so."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer
from store.rentals.models import Entitlement


def keep(session: Session, customer_id: int, at: datetime) -> None:
    """Remember from now on; nothing is known of what was seen before."""
    session.execute(
        update(Customer)
        .where(Customer.id == customer_id, Customer.keeps_history_since.is_(None))
        .values(keeps_history_since=at)
    )


def forget(session: Session, customer_id: int) -> None:
    """Remember nothing any more, and forget what was remembered."""
    session.execute(update(Customer).where(Customer.id == customer_id).values(keeps_history_since=None))
    session.execute(update(Entitlement).where(Entitlement.customer_id == customer_id).values(seen_at=None))


def kept_since(session: Session, customer_id: int) -> datetime | None:
    """Since when the customer's history is kept; None when it is not."""
    return session.scalar(select(Customer.keeps_history_since).where(Customer.id == customer_id))
