"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.catalogue.models import Film
from store.own_table import Owner, OwnTable
from store.rentals.models import Entitlement, WatchlistEntry


def own_tables(owner: Owner) -> list[OwnTable]:
    """The films that they rented and bought, and where they stopped in each; those that they want to see later."""
    films = (
        select(
            *(Entitlement.id, Film.title, Film.slug, Entitlement.kind, Entitlement.price_cents, Entitlement.granted_at),
            *(Entitlement.begin_before, Entitlement.begun_at, Entitlement.ends_at, Entitlement.consent_version),
            *(Entitlement.revoked_at, Entitlement.position_s, Entitlement.seen_at),
        )
        .join(Film, Film.id == Entitlement.film_id)
        .where(Entitlement.customer_id == owner.customer_id)
        .order_by(Entitlement.id)
    )
    later = (
        select(Film.title, Film.slug, WatchlistEntry.added_at)
        .join(Film, Film.id == WatchlistEntry.film_id)
        .where(WatchlistEntry.customer_id == owner.customer_id)
        .order_by(WatchlistEntry.added_at)
    )
    return [OwnTable("films", _("My films"), films), OwnTable("films_for_later", _("To see later"), later)]
