"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.catalogue.models import Film
from store.own_table import Owner, OwnTable
from store.playback.models import Lease, PlaybackFailure
from store.rentals.models import Entitlement


def own_tables(owner: Owner) -> list[OwnTable]:
    """What played lately, in which browser, and what we failed to play."""
    streams = (
        select(Film.title, Lease.entitlement_id, Lease.user_agent, Lease.began_at, Lease.seen_at, Lease.ended_at)
        .join(Entitlement, Entitlement.id == Lease.entitlement_id)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Lease.customer_id == owner.customer_id)
        .order_by(Lease.began_at)
    )
    failures = (
        select(
            *(Film.title, PlaybackFailure.entitlement_id, PlaybackFailure.at),
            *(PlaybackFailure.extended_from, PlaybackFailure.extended_to),
        )
        .join(Entitlement, Entitlement.id == PlaybackFailure.entitlement_id)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Entitlement.customer_id == owner.customer_id)
        .order_by(PlaybackFailure.id)
    )
    return [
        OwnTable("streams", _("What plays, or played today"), streams),
        OwnTable("failures", _("When a film stopped by our fault"), failures),
    ]
