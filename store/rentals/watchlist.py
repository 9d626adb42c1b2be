"""Films that a customer wants to see later."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from store.catalogue.browse import FilmCard, cards_of, cards_query
from store.catalogue.models import Film, FilmDirector
from store.db import insert_if_absent
from store.rentals.models import WatchlistEntry
from store.rentals.standing import WATCHLIST

LONGEST = 300


_LISTED = (
    cards_query()
    .join(WatchlistEntry, WatchlistEntry.film_id == Film.id)
    .where(WatchlistEntry.customer_id == bindparam("customer_id"))
    .order_by(WatchlistEntry.added_at.desc(), Film.id.desc(), FilmDirector.position)
)


class UnknownFilm(LookupError):
    """No film is called so."""


class ListIsFull(Exception):
    """The list holds as many films as it may."""


def note(session: Session, customer_id: int, film_slug: str, at: datetime) -> None:
    """Put a film on the customer's list; one that is there stays where it is. Raises UnknownFilm, ListIsFull."""
    film_id = _film_id(session, film_slug)
    noted = select(func.count()).select_from(WatchlistEntry).where(WatchlistEntry.customer_id == customer_id)
    if (session.scalar(noted.where(WatchlistEntry.film_id != film_id)) or 0) >= LONGEST:
        raise ListIsFull
    entry = {"customer_id": customer_id, "film_id": film_id, "added_at": at}
    session.execute(insert_if_absent(WATCHLIST, [WATCHLIST.c.customer_id, WATCHLIST.c.film_id]), entry)


def forget(session: Session, customer_id: int, film_slug: str) -> None:
    """Take a film off the list; one that is not there is off already. Raises UnknownFilm."""
    film_id = _film_id(session, film_slug)
    session.execute(
        delete(WatchlistEntry).where(WatchlistEntry.customer_id == customer_id, WatchlistEntry.film_id == film_id)
    )


def listed_films(session: Session, customer_id: int) -> list[FilmCard]:
    """The films on the customer's list, the last noted first."""
    return cards_of(session, _LISTED, {"customer_id": customer_id})


def _film_id(session: Session, film_slug: str) -> int:
    film_id = session.scalar(select(Film.id).where(Film.answers_to(film_slug)))
    if film_id is None:
        raise UnknownFilm(film_slug)
    return film_id
