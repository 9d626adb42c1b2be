"""A customer's account is erased: films that were sold stay in the books, where somebody stopped in them does not."""

from datetime import datetime

from sqlalchemy import delete, func, update
from sqlalchemy.orm import Session

from store.rentals.models import Entitlement, WatchlistEntry


def forget(session: Session, customer_id: int, at: datetime) -> None:
    """End the customer's rights to films, and forget positions, what was seen and what was to be seen later."""
    session.execute(delete(WatchlistEntry).where(WatchlistEntry.customer_id == customer_id))
    session.execute(
        update(Entitlement)
        .where(Entitlement.customer_id == customer_id)
        .values(revoked_at=func.coalesce(Entitlement.revoked_at, at), position_s=0, position_sequence=0, seen_at=None)
    )
