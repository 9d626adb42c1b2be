"""Another address for a film; the one that was public keeps answering. What is packaged stays where it lies."""

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from store.catalogue.models import Film, FormerSlug
from store.catalogue.slugs import SLUG
from store.shown import move_on


class Unnameable(Exception):
    """The film cannot be called so; the message says why."""


def rename(session: Session, slug: str, new_slug: str) -> None:
    """Move the film to another slug; raises Unnameable. A slug that it had before may come back to it."""
    film = session.scalar(select(Film).where(Film.slug == slug).with_for_update(key_share=True))
    if film is None:
        raise Unnameable(f"no film is called {slug}")
    if not SLUG.fullmatch(new_slug):
        raise Unnameable(f"{new_slug} is no slug such as la-sociale")
    holder = session.scalar(select(FormerSlug.film_id).where(FormerSlug.slug == new_slug))
    if session.scalar(select(Film.id).where(Film.slug == new_slug)) or holder not in (None, film.id):
        raise Unnameable(f"{new_slug} is or was another film's")
    session.execute(delete(FormerSlug).where(FormerSlug.slug == new_slug))
    session.execute(insert(FormerSlug).values(slug=slug, film_id=film.id))
    film.packaged_as = film.media_folder
    film.slug = new_slug
    move_on(session)
