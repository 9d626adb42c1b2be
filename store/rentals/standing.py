"""How a customer stands with a film, and which films they may play."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, literal, or_, select, true
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.db import table_of
from store.rentals.models import Entitlement, WatchlistEntry

ENTITLEMENT: Table = table_of(Entitlement)
WATCHLIST: Table = table_of(WatchlistEntry)
FILM: Table = table_of(Film)


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
class Relation:
    """What ties a customer to a film: what they may play of it, and whether they noted it for later."""

    standing: Standing | None = None
    on_list: bool = False


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
    seen_at: datetime | None
    standing: Standing
    in_force: bool


def in_force_at(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """The condition that an entitlement lets its holder play at this instant."""
    return and_(
        ENTITLEMENT.c.revoked_at.is_(None),
        or_(ENTITLEMENT.c.ends_at.is_(None), ENTITLEMENT.c.ends_at > at),
        or_(
            ENTITLEMENT.c.begun_at.is_not(None),
            ENTITLEMENT.c.begin_before.is_(None),
            ENTITLEMENT.c.begin_before > at,
        ),
    )


def strongest_first(query: Select[Any]) -> Select[Any]:
    """A purchase before a rental, the youngest before all others of its kind."""
    return query.order_by(ENTITLEMENT.c.kind, ENTITLEMENT.c.id.desc()).limit(1)


_AT: ColumnElement[datetime] = bindparam("at", type_=ENTITLEMENT.c.granted_at.type)

_STANDING = strongest_first(
    select(
        ENTITLEMENT.c.id,
        ENTITLEMENT.c.kind,
        ENTITLEMENT.c.begun_at,
        ENTITLEMENT.c.begin_before,
        ENTITLEMENT.c.ends_at,
        ENTITLEMENT.c.position_s,
    ).where(
        ENTITLEMENT.c.customer_id == bindparam("customer_id"),
        ENTITLEMENT.c.film_id == bindparam("film_id"),
        in_force_at(_AT),
    )
)

_IS_ON_LIST = (
    select(WATCHLIST.c.film_id)
    .where(WATCHLIST.c.customer_id == bindparam("customer_id"), WATCHLIST.c.film_id == bindparam("film_id"))
    .exists()
)
_HELD = _STANDING.subquery("held")
_RELATION = select(_HELD, _IS_ON_LIST.label("on_list")).select_from(
    select(literal(1).label("one")).subquery("anybody").outerjoin(_HELD, true())
)

_FILMS = (
    select(
        ENTITLEMENT,
        FILM.c.slug,
        FILM.c.title,
        FILM.c.year,
        FILM.c.minutes,
        in_force_at(_AT).label("in_force"),
    )
    .join(FILM, FILM.c.id == ENTITLEMENT.c.film_id)
    .where(ENTITLEMENT.c.customer_id == bindparam("customer_id"))
    .order_by(ENTITLEMENT.c.id.desc())
    .limit(500)
)


def standing_of(session: Session, customer_id: int, film_id: int, at: datetime) -> Standing | None:
    """The entitlement that lets this customer play this film at this instant, or None."""
    asked = {"customer_id": customer_id, "film_id": film_id, "at": at}
    row = session.connection().execute(_STANDING, asked).first()
    return _standing(row) if row else None


def relation_of(session: Session, customer_id: int, film_id: int, at: datetime) -> Relation:
    """The same with the customer's list of films for later, in one query."""
    asked = {"customer_id": customer_id, "film_id": film_id, "at": at}
    row = session.connection().execute(_RELATION, asked).one()
    return Relation(_standing(row) if row.id is not None else None, bool(row.on_list))


def films_of(session: Session, customer_id: int, at: datetime) -> list[OwnFilm]:
    """Everything that the customer rented or bought, youngest first."""
    rows = session.connection().execute(_FILMS, {"customer_id": customer_id, "at": at})
    return [
        OwnFilm(
            slug=row.slug,
            title=row.title,
            year=row.year,
            minutes=row.minutes,
            price_cents=row.price_cents,
            granted_at=row.granted_at,
            revoked_at=row.revoked_at,
            seen_at=row.seen_at,
            standing=_standing(row),
            in_force=bool(row.in_force),
        )
        for row in rows
    ]


def _standing(row: Any) -> Standing:
    return Standing(row.id, row.kind, row.begun_at is not None, row.begin_before, row.ends_at, row.position_s)
