"""Leases: which streams of a customer run, and taking a place among them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.customers.models import CustomerSession
from store.playback.models import Lease
from store.rentals.models import Entitlement

LONGEST_SILENCE = timedelta(seconds=90)


@dataclass(frozen=True)
class Viewer:
    """Who wants to play, in which signed-in browser, and whether that was shown the account's code for adults lately."""

    customer_id: int
    wallet_id: int
    session_digest: str
    user_agent: str
    country: str
    is_open_for_adults: bool = False


@dataclass(frozen=True)
class RunningStream:
    """A stream that holds a place."""

    lease_id: str
    film_title: str
    user_agent: str
    began_at: datetime


class TooManyStreams(Exception):
    """Every place is taken; `running` says by what."""

    def __init__(self, running: list[RunningStream]) -> None:
        super().__init__(f"{len(running)} streams are running")
        self.running = running


def take(session: Session, viewer: Viewer, entitlement_id: int, recipe: str, limit: int, at: datetime) -> str:
    """A lease under the customer's limit; returns its id. Raises TooManyStreams.

    The caller holds the customer's wallet: otherwise two starts at once would both find the last place free. A browser
    that opens its film again takes over its own old lease.
    """
    _take_over(session, viewer.session_digest, entitlement_id, at)
    running = running_streams(session, viewer.customer_id, at)
    if len(running) >= limit:
        raise TooManyStreams(running)
    lease_id = secrets.token_urlsafe(16)
    session.execute(
        insert(Lease).values(
            id=lease_id,
            customer_id=viewer.customer_id,
            entitlement_id=entitlement_id,
            session_digest=viewer.session_digest,
            user_agent=viewer.user_agent[:300],
            recipe=recipe,
            sequence=0,
            began_at=at,
            seen_at=at,
        )
    )
    return lease_id


def end(session: Session, lease_id: str, customer_id: int, at: datetime) -> bool:
    """End a lease of this customer's, from whichever device; False if there is none."""
    own = (Lease.id == lease_id, Lease.customer_id == customer_id)
    session.execute(update(Lease).where(*own, Lease.ended_at.is_(None)).values(ended_at=at))
    return session.scalar(select(Lease.id).where(*own)) is not None


def running_streams(session: Session, customer_id: int, at: datetime) -> list[RunningStream]:
    """The customer's streams that neither ended nor fell silent, oldest first."""
    rows = session.execute(
        select(Lease.id, Film.title, Lease.user_agent, Lease.began_at)
        .join(Entitlement, Entitlement.id == Lease.entitlement_id)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Lease.customer_id == customer_id, Lease.ended_at.is_(None), Lease.seen_at > at - LONGEST_SILENCE)
        .order_by(Lease.began_at, Lease.id)
    )
    return [RunningStream(*row) for row in rows]


def running_recipes(session: Session, at: datetime) -> set[str]:
    """The packaged versions that somebody's stream plays now."""
    running = select(Lease.recipe).where(Lease.ended_at.is_(None), Lease.seen_at > at - LONGEST_SILENCE)
    return set(session.scalars(running.distinct()))


def is_running(session: Session, lease_id: str, at: datetime) -> bool:
    """Whether the lease is kept, its browser signed in and its entitlement not revoked."""
    running = (
        select(Lease.id)
        .join(Entitlement, Entitlement.id == Lease.entitlement_id)
        .join(CustomerSession, CustomerSession.digest == Lease.session_digest)
        .where(
            Lease.id == lease_id,
            Lease.ended_at.is_(None),
            Lease.seen_at > at - LONGEST_SILENCE,
            Entitlement.revoked_at.is_(None),
        )
    )
    return session.scalar(running) is not None


def _take_over(session: Session, session_digest: str, entitlement_id: int, at: datetime) -> None:
    session.execute(
        update(Lease)
        .where(Lease.session_digest == session_digest, Lease.entitlement_id == entitlement_id, Lease.ended_at.is_(None))
        .values(ended_at=at)
    )
