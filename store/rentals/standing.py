"""How a customer stands with a film, and which films they may play."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.models import Film
from store.rentals.models import Entitlement
from store.rentals.rent import in_force


@dataclass(frozen=True)
class Standing:
    """What an entitlement allows, as pages show it; `position_s` in seconds."""

    entitlement_id: int
    kind: str
    begun: bool
    begin_before: datetime | None
    ends_at: datetime | None
    position_s: int


@dataclass(frozen=True)
class OwnFilm:
    """A film of the customer's, in force or over."""

    slug: str
    title: str
    year: int
    minutes: int
    price_cents: int
    granted_at: datetime
    revoked_at: datetime | None
    standing: Standing
    in_force: bool


def standing_of(session: Session, customer_id: int, film_id: int) -> Standing | None:
    """The entitlement that is in force now, or None."""
    held = in_force(session, customer_id, film_id, clock.now())
    return _standing(held) if held else None


def films_of(session: Session, customer_id: int, at: datetime) -> list[OwnFilm]:
    """Everything that the customer rented or bought, youngest first."""
    rows = session.execute(
        select(Entitlement, Film.slug, Film.title, Film.year, Film.minutes)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Entitlement.customer_id == customer_id)
        .order_by(Entitlement.id.desc())
        .limit(500)
    )
    return [
        OwnFilm(
            slug=slug,
            title=title,
            year=year,
            minutes=minutes,
            price_cents=held.price_cents,
            granted_at=held.granted_at,
            revoked_at=held.revoked_at,
            standing=_standing(held),
            in_force=_is_in_force(held, at),
        )
        for held, slug, title, year, minutes in rows
    ]


def _standing(held: Entitlement) -> Standing:
    return Standing(held.id, held.kind, held.begun_at is not None, held.begin_before, held.ends_at, held.position_s)


def _is_in_force(held: Entitlement, at: datetime) -> bool:
    limit = held.ends_at if held.begun_at else held.begin_before
    return held.revoked_at is None and (limit is None or limit > at)
