"""Renewal: a running stream shows that it lives, says where it is, and so keeps its place."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer
from store.db import table_of
from store.media.models import Ingest
from store.playback.authorise import is_finished
from store.playback.leases import LONGEST_SILENCE
from store.playback.models import Lease
from store.rentals.standing import ENTITLEMENT, FILM

TIME_TO_FINISH = timedelta(minutes=30)
"""A stream that runs when its rental ends may go on for the length of its film, and this for pauses."""

LEASE, CUSTOMER, PACKAGED = table_of(Lease), table_of(Customer), table_of(Ingest)
LATER = LEASE.alias("later")

_RUNNING = (
    select(
        *(
            LEASE.c.entitlement_id,
            LEASE.c.recipe,
            LEASE.c.sequence,
            LEASE.c.began_at,
            LEASE.c.seen_at,
            LEASE.c.ended_at,
        ),
        *(func.coalesce(FILM.c.packaged_as, FILM.c.slug).label("folder"), FILM.c.minutes, PACKAGED.c.duration_s),
        *(ENTITLEMENT.c.revoked_at, ENTITLEMENT.c.ends_at, CUSTOMER.c.keeps_history_since),
    )
    .select_from(LEASE)
    .join(ENTITLEMENT, ENTITLEMENT.c.id == LEASE.c.entitlement_id)
    .join(FILM, FILM.c.id == ENTITLEMENT.c.film_id)
    .join(CUSTOMER, CUSTOMER.c.id == LEASE.c.customer_id)
    .outerjoin(PACKAGED, PACKAGED.c.film_id == FILM.c.id)
    .where(
        LEASE.c.id == bindparam("lease_id"),
        LEASE.c.customer_id == bindparam("customer_id"),
        LEASE.c.session_digest == bindparam("session_digest"),
    )
    .with_for_update(key_share=True, of=LEASE)
)
"""The lease, held, with what decides about it. Statements are built once: that takes longer than to run them."""

_KEEP = (
    update(LEASE)
    .where(LEASE.c.id == bindparam("lease_id"))
    .values(seen_at=bindparam("now"), sequence=bindparam("youngest"))
)

_IS_OVERTAKEN = (
    select(LATER.c.id)
    .where(
        LATER.c.entitlement_id == bindparam("held_id"),
        LATER.c.began_at > bindparam("began_at"),
        LATER.c.sequence > 0,
        LATER.c.ended_at.is_(None),
        LATER.c.seen_at > bindparam("silent_since"),
    )
    .exists()
)
"""Whether a stream of the same film that began later runs and says where it is: it is the one that counts."""

_STORE_POSITION = (
    update(ENTITLEMENT)
    .where(ENTITLEMENT.c.id == bindparam("held_id"), ~_IS_OVERTAKEN)
    .values(
        position_s=bindparam("reached_s"),
        position_sequence=bindparam("youngest"),
        seen_at=func.coalesce(ENTITLEMENT.c.seen_at, bindparam("finished_at", type_=ENTITLEMENT.c.seen_at.type)),
    )
)


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
    """What the stream goes on playing: a folder of the media store and a version in it."""

    lease_id: str
    folder: str
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
    asked = {"lease_id": lease_id, "customer_id": customer_id, "session_digest": session_digest}
    lease = session.connection().execute(_RUNNING, asked).first()
    if lease is None:
        raise Refused("ended")
    _refuse_what_is_over(lease, at)
    if sequence > lease.sequence and position_s is not None:
        _store_position(session, lease, position_s, sequence, at)
    kept = {"lease_id": lease_id, "now": at, "youngest": max(sequence, lease.sequence)}
    session.connection().execute(_KEEP, kept)
    return Renewal(lease_id, lease.folder, lease.recipe)


def _refuse_what_is_over(lease: Row[*tuple[Any, ...]], at: datetime) -> None:
    if lease.revoked_at:
        raise Refused("revoked")
    if lease.ended_at:
        raise Refused("ended")
    if lease.seen_at <= at - LONGEST_SILENCE:
        raise Refused("silent")
    if lease.ends_at and at > lease.ends_at + timedelta(minutes=lease.minutes) + TIME_TO_FINISH:
        raise Refused("not_entitled")


def _store_position(
    session: Session, lease: Row[*tuple[Any, ...]], position_s: int, sequence: int, at: datetime
) -> None:
    """Note where the film is, and that it was seen for who wants that remembered."""
    is_remembered = lease.keeps_history_since and is_finished(position_s, lease.duration_s)
    reported = {"reached_s": position_s, "youngest": sequence, "finished_at": at if is_remembered else None}
    of_the_stream = {"held_id": lease.entitlement_id, "began_at": lease.began_at, "silent_since": at - LONGEST_SILENCE}
    session.connection().execute(_STORE_POSITION, reported | of_the_stream)
