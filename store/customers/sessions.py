"""Sessions: which browsers are signed in as whom. Ids are random; the table keeps their digests."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer, CustomerSession, SignedIn

LONGEST = timedelta(days=60)
LONGEST_IDLE = timedelta(days=14)
SEEN_PRECISION = timedelta(minutes=5)

_INSTANT = CustomerSession.seen_at.type
_FOUND = (
    select(
        *(Customer.id, Customer.name, Customer.email, Customer.wallet_id, Customer.role, Customer.country),
        *(CustomerSession.seen_at, CustomerSession.pin_entered_at),
    )
    .join(CustomerSession, CustomerSession.customer_id == Customer.id)
    .where(
        CustomerSession.digest == bindparam("digest"),
        CustomerSession.began_at > bindparam("began_after", type_=_INSTANT),
        CustomerSession.seen_at > bindparam("seen_after", type_=_INSTANT),
    )
)
"""Built once: it is asked for with every page of whoever is signed in."""


def begin(session: Session, customer_id: int, user_agent: str, at: datetime) -> str:
    """A new session; returns its id, which only the browser will know."""
    session_id = secrets.token_urlsafe(32)
    session.execute(
        insert(CustomerSession).values(
            digest=digest(session_id), customer_id=customer_id, began_at=at, seen_at=at, user_agent=user_agent[:300]
        )
    )
    return session_id


def find(session: Session, session_id: str, at: datetime) -> SignedIn | None:
    """Who is signed in under this id, unless the session ended, was too long idle or is too old."""
    its_digest = digest(session_id)
    asked = {"digest": its_digest, "began_after": at - LONGEST, "seen_after": at - LONGEST_IDLE}
    row = session.connection().execute(_FOUND, asked).first()
    return SignedIn(session_id, its_digest, *row) if row else None


def is_stale(seen_at: datetime, at: datetime) -> bool:
    """Whether it is time to note that the session is in use: not at every request."""
    return at - seen_at > SEEN_PRECISION


def touch(session: Session, session_id: str, at: datetime) -> None:
    """Note that the session is in use."""
    session.execute(update(CustomerSession).where(CustomerSession.digest == digest(session_id)).values(seen_at=at))


def end(session: Session, session_id: str) -> None:
    """End the session: whoever holds a copy of its cookie is a stranger from now on."""
    session.execute(delete(CustomerSession).where(CustomerSession.digest == digest(session_id)))


def digest(session_id: str) -> str:
    """What the table keeps of an id."""
    return hashlib.sha256(session_id.encode()).hexdigest()
