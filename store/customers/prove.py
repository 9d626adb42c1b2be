"""Who wants something that cannot be undone proves that the account is theirs: by its password, or by having just signed in."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.customers import passwords
from store.customers.models import NO_PASSWORD, Customer, CustomerSession
from store.customers.sessions import is_fresh


def signed_in_just_now(session: Session, session_digest: str, at: datetime) -> bool:
    """Whether a password or a passkey was shown in this browser a moment ago."""
    proved_at = session.scalar(select(CustomerSession.proved_at).where(CustomerSession.digest == session_digest))
    return is_fresh(proved_at, at)


def has_password(session: Session, customer_id: int) -> bool:
    """Whether there is one to ask for: who comes in by passkey alone has none."""
    return session.scalars(select(Customer.password_hash).where(Customer.id == customer_id)).one() != NO_PASSWORD


def knows_password(session: Session, customer_id: int, password: str) -> bool:
    """Whether it is the customer's password."""
    stored = session.scalar(select(Customer.password_hash).where(Customer.id == customer_id))
    session.rollback()  # hashing is slow: no read stays open meanwhile
    return passwords.password_matches(password, stored)
