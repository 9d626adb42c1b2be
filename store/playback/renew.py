"""Renewal: a running stream shows that it lives, says where it is, and so keeps its place."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.playback.leases import LONGEST_SILENCE
from store.playback.models import Lease
from store.rentals.models import Entitlement


class Refused(Exception):
    """The stream must stop; `reason` is `revoked` (the entitlement), `silent` (too long) or `ended` (everything else)."""

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

    The end of a rental is not looked at: a stream that began before it may finish.
    """
    row = session.execute(
        select(Lease, Film.slug, Entitlement.revoked_at)
        .join(Entitlement, Entitlement.id == Lease.entitlement_id)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Lease.id == lease_id, Lease.customer_id == customer_id, Lease.session_digest == session_digest)
        .with_for_update(key_share=True, of=Lease)
    ).first()
    if row is None:
        raise Refused("ended")
    lease, film, revoked_at = row
    _refuse_what_is_over(lease, revoked_at, at)
    if sequence > lease.sequence and position_s is not None:
        session.execute(update(Entitlement).where(Entitlement.id == lease.entitlement_id).values(position_s=position_s))
    lease.seen_at = at
    lease.sequence = max(sequence, lease.sequence)
    return Renewal(lease_id, film, lease.recipe)


def _refuse_what_is_over(lease: Lease, revoked_at: datetime | None, at: datetime) -> None:
    if revoked_at:
        raise Refused("revoked")
    if lease.ended_at:
        raise Refused("ended")
    if lease.seen_at <= at - LONGEST_SILENCE:
        raise Refused("silent")
