"""A customer's account is erased: its streams end and are forgotten."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from store.playback.models import Lease


def forget(session: Session, customer_id: int) -> None:
    """Delete the customer's leases, the running ones too."""
    session.execute(delete(Lease).where(Lease.customer_id == customer_id))
