"""Who wants something that cannot be undone proves that the account is theirs: by its password, or by having just signed in."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.customers import passwords
from store.customers.models import Customer, CustomerSession

JUST_NOW = timedelta(minutes=10)


def signed_in_just_now(session: Session, session_digest: str, at: datetime) -> bool:
    """Whether this browser's session is not ten minutes old."""
    began_at = session.scalar(select(CustomerSession.began_at).where(CustomerSession.digest == session_digest))
    return began_at is not None and at - began_at < JUST_NOW


def knows_password(session: Session, customer_id: int, password: str) -> bool:
    """Whether it is the customer's password."""
    stored = session.scalar(select(Customer.password_hash).where(Customer.id == customer_id))
    session.rollback()  # hashing is slow: no read stays open meanwhile
    return passwords.password_matches(password, stored)
