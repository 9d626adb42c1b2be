"""Sessions: which browsers are signed in as whom. Ids are random; the table keeps their digests."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer, CustomerSession, SignedIn

LONGEST = timedelta(days=60)
LONGEST_IDLE = timedelta(days=14)
LONGEST_REMEMBERED = timedelta(days=400)
LONGEST_IDLE_REMEMBERED = timedelta(days=90)
"""Of a device that asked to stay signed in. No browser keeps a cookie for longer than 400 days (RFC 6265bis, 5.5)."""

SEEN_PRECISION = timedelta(minutes=5)
PROOF_LASTS = timedelta(minutes=15)
"""For how long who has just shown a password, a passkey or a second factor is not asked again before what matters most."""

_INSTANT = CustomerSession.seen_at.type


def _live(latest: Mapping[str, Any]) -> ColumnElement[bool]:
    """Neither too old nor too long idle; `latest` is as `_latest` has it."""
    return or_(
        and_(CustomerSession.began_at > latest["began_after"], CustomerSession.seen_at > latest["seen_after"]),
        and_(
            CustomerSession.device_id.is_not(None),
            CustomerSession.began_at > latest["remembered_began_after"],
            CustomerSession.seen_at > latest["remembered_seen_after"],
        ),
    )


def _latest(at: datetime) -> dict[str, datetime]:
    """What a session must have begun and been seen after, to go on at this instant."""
    return {
        "began_after": at - LONGEST,
        "seen_after": at - LONGEST_IDLE,
        "remembered_began_after": at - LONGEST_REMEMBERED,
        "remembered_seen_after": at - LONGEST_IDLE_REMEMBERED,
    }


_ASKED_LATER = {name: bindparam(name, type_=_INSTANT) for name in _latest(datetime.max)}
_FOUND = (
    select(
        *(Customer.id, Customer.name, Customer.email, Customer.wallet_id, Customer.role, Customer.country),
        *(Customer.confirmed_at, CustomerSession.began_at, CustomerSession.seen_at, CustomerSession.pin_entered_at),
        *(CustomerSession.proved_at, CustomerSession.second_factor_at, CustomerSession.device_id),
    )
    .join(CustomerSession, CustomerSession.customer_id == Customer.id)
    .where(CustomerSession.digest == bindparam("digest"), _live(_ASKED_LATER))
)
"""Built once: it is asked for with every page of whoever is signed in."""


@dataclass(frozen=True)
class OwnSession:
    """One of a customer's sessions, as they are shown it."""

    digest: str
    user_agent: str
    began_at: datetime
    seen_at: datetime
    is_remembered: bool


def begin(
    session: Session,
    customer_id: int,
    user_agent: str,
    at: datetime,
    *,
    device_id: int | None = None,
    with_second_factor: bool = False,
) -> str:
    """A new session; returns its id, which only the browser will know."""
    session_id = secrets.token_urlsafe(32)
    session.execute(
        insert(CustomerSession).values(
            digest=digest(session_id),
            customer_id=customer_id,
            began_at=at,
            seen_at=at,
            proved_at=at,
            second_factor_at=at if with_second_factor else None,
            user_agent=user_agent[:300],
            device_id=device_id,
        )
    )
    return session_id


def find(session: Session, session_id: str, at: datetime) -> SignedIn | None:
    """Who is signed in under this id, unless the session ended, was too long idle or is too old."""
    its_digest = digest(session_id)
    row = session.connection().execute(_FOUND, {"digest": its_digest, **_latest(at)}).first()
    return SignedIn(session_id, its_digest, *row) if row else None


def is_live(at: datetime) -> ColumnElement[bool]:
    """Whether a session goes on: neither too old nor too long idle."""
    return _live(_latest(at))


def of_customer(session: Session, customer_id: int, at: datetime) -> list[OwnSession]:
    """The customer's sessions that go on, the one used last first."""
    rows = session.execute(
        select(
            CustomerSession.digest,
            CustomerSession.user_agent,
            CustomerSession.began_at,
            CustomerSession.seen_at,
            CustomerSession.device_id.is_not(None),
        )
        .where(CustomerSession.customer_id == customer_id, is_live(at))
        .order_by(CustomerSession.seen_at.desc(), CustomerSession.digest)
    )
    return [OwnSession(*row) for row in rows]


def is_stale(seen_at: datetime, at: datetime) -> bool:
    """Whether it is time to note that the session is in use: not at every request."""
    return at - seen_at > SEEN_PRECISION


def is_fresh(shown_at: datetime | None, at: datetime) -> bool:
    """Whether what was shown at this instant still counts for what matters most."""
    return shown_at is not None and at - shown_at < PROOF_LASTS


def touch(session: Session, session_id: str, at: datetime) -> None:
    """Note that the session is in use."""
    session.execute(update(CustomerSession).where(CustomerSession.digest == digest(session_id)).values(seen_at=at))


def note_proof(session: Session, session_digest: str, at: datetime) -> None:
    """This browser has just shown the password or a passkey again."""
    session.execute(update(CustomerSession).where(CustomerSession.digest == session_digest).values(proved_at=at))


def note_second_factor(session: Session, session_digest: str, at: datetime) -> None:
    """This browser has just shown the second factor, which proves as much as the first."""
    session.execute(
        update(CustomerSession)
        .where(CustomerSession.digest == session_digest)
        .values(second_factor_at=at, proved_at=at)
    )


def end(session: Session, session_id: str) -> None:
    """End the session: whoever holds a copy of its cookie is a stranger from now on."""
    session.execute(delete(CustomerSession).where(CustomerSession.digest == digest(session_id)))


def end_one(session: Session, customer_id: int, session_digest: str) -> bool:
    """End one of the customer's own sessions; False if it is none of theirs."""
    ended = delete(CustomerSession).where(
        CustomerSession.digest == session_digest, CustomerSession.customer_id == customer_id
    )
    return session.scalar(ended.returning(CustomerSession.digest)) is not None


def end_all(session: Session, customer_id: int, but: str | None = None) -> None:
    """End every session of the customer, but the one of this digest."""
    session.execute(
        delete(CustomerSession).where(CustomerSession.customer_id == customer_id, CustomerSession.digest != (but or ""))
    )


def digest(session_id: str) -> str:
    """What the table keeps of an id."""
    return hashlib.sha256(session_id.encode()).hexdigest()
