"""Renewal: a running stream shows that it lives, says where it is, and so keeps its place."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, update
from sqlalchemy.orm import Session, aliased

from store.catalogue.models import Film
from store.customers.models import Customer
from store.media.models import Ingest
from store.playback.authorise import is_finished
from store.playback.leases import LONGEST_SILENCE
from store.playback.models import Lease
from store.rentals.models import Entitlement

TIME_TO_FINISH = timedelta(minutes=30)
"""A stream that runs when its rental ends may go on for the length of its film, and this for pauses."""


class Refused(Exception):
    """The stream must stop.

    `reason` is `revoked` (the entitlement), `not_entitled` (a rental that ended, and the time to finish with it), `silent`
    (too long) or `ended` (everything else).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Renewal:
    """What the stream goes on playing."""

    lease_id: str
    film: str
    recipe: str


def renew(
    session: Session,
    lease_id: str,
    customer_id: int,
    session_digest: str,
    *,
    position_s: int | None,
    sequence: int,
    at: datetime,
) -> Renewal:
    """Keep the lease and, if `sequence` is younger than the last, store the position; raises Refused.

    A stream that began before its rental ended may finish.
    """
    row = session.execute(_running(lease_id, customer_id, session_digest)).first()
    if row is None:
        raise Refused("ended")
    _refuse_what_is_over(row, at)
    lease = row.Lease
    if sequence > lease.sequence and position_s is not None:
        _store_position(session, row, position_s, sequence, at)
    lease.seen_at = at
    lease.sequence = max(sequence, lease.sequence)
    return Renewal(lease_id, row.slug, lease.recipe)


def _running(lease_id: str, customer_id: int, session_digest: str) -> Select[*tuple[Any, ...]]:
    """The lease, held, with what decides about it."""
    return (
        select(
            *(Lease, Film.slug, Film.minutes, Ingest.duration_s),
            *(Entitlement.revoked_at, Entitlement.ends_at, Customer.keeps_history_since),
        )
        .join(Entitlement, Entitlement.id == Lease.entitlement_id)
        .join(Film, Film.id == Entitlement.film_id)
        .join(Customer, Customer.id == Lease.customer_id)
        .outerjoin(Ingest, Ingest.film_id == Film.id)
        .where(Lease.id == lease_id, Lease.customer_id == customer_id, Lease.session_digest == session_digest)
        .with_for_update(key_share=True, of=Lease)
    )


def _refuse_what_is_over(row: Row[Any], at: datetime) -> None:
    if row.revoked_at:
        raise Refused("revoked")
    if row.Lease.ended_at:
        raise Refused("ended")
    if row.Lease.seen_at <= at - LONGEST_SILENCE:
        raise Refused("silent")
    if row.ends_at and at > row.ends_at + timedelta(minutes=row.minutes) + TIME_TO_FINISH:
        raise Refused("not_entitled")


def _store_position(session: Session, row: Row[Any], position_s: int, sequence: int, at: datetime) -> None:
    """Note where the film is, and that it was seen for who wants that remembered."""
    values: dict[str, Any] = {"position_s": position_s, "position_sequence": sequence}
    if row.keeps_history_since and is_finished(position_s, row.duration_s):
        values["seen_at"] = func.coalesce(Entitlement.seen_at, at)
    entitlement = update(Entitlement).where(Entitlement.id == row.Lease.entitlement_id, ~_is_overtaken(row.Lease, at))
    session.execute(entitlement.values(values))


def _is_overtaken(lease: Lease, at: datetime) -> ColumnElement[bool]:
    """Whether a stream of the same film that began later runs and says where it is: it is the one that counts."""
    later = aliased(Lease)
    return (
        select(later.id)
        .where(
            later.entitlement_id == lease.entitlement_id,
            later.began_at > lease.began_at,
            later.sequence > 0,
            later.ended_at.is_(None),
            later.seen_at > at - LONGEST_SILENCE,
        )
        .exists()
    )
