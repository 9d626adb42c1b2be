"""Films whose licence is over hang on no wall: their pages stay, for those who bought them, and say why."""

from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.catalogue.index_films import index_films
from store.catalogue.models import Film
from store.shown import move_on


def to_rehang(session: Session, today: date) -> list[int]:
    """The ids of films that hang though their licence is over, or do not though it was prolonged."""
    ended = select(Film.id).where(Film.licensed_until < today, Film.is_over.is_(False))
    prolonged = select(Film.id).where(Film.is_over, Film.licensed_until.is_(None) | (Film.licensed_until >= today))
    return [*session.scalars(ended), *session.scalars(prolonged)]


def rehang(session: Session, today: date) -> int:
    """Take down what is over, and hang again what was prolonged; returns how many films were moved."""
    film_ids = to_rehang(session, today)
    if film_ids:
        session.execute(update(Film).where(Film.id.in_(film_ids)).values(is_over=~Film.is_over))
        index_films(session, film_ids)
        move_on(session)
    return len(film_ids)
