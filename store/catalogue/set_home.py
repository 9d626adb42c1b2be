"""What the home shows, out of the catalogue."""

from collections.abc import Collection as Several
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from store.catalogue.models import Collection, Film, HomePage
from store.shown import move_on

TEXTS, LISTS = ("film", "kicker_fr", "kicker_en"), ("films", "collections")
LONGEST = 200


class BadHome(Exception):
    """That is nothing that the home could show; the message says why."""


def set_home(session: Session, content: Any) -> None:
    """Show this from now on; raises BadHome."""
    for complaint in _complaints(session, content):
        raise BadHome(complaint)
    if session.scalar(select(HomePage.id)) is None:
        session.execute(insert(HomePage).values(id=1, content=content))
    else:
        session.execute(update(HomePage).values(content=content))
    move_on(session)


def _complaints(session: Session, content: Any) -> list[str]:
    if not isinstance(content, dict):
        return ["is no object with film, kicker_fr, kicker_en, films, collections"]
    misshapen = [name for name, value in content.items() if not _fits(name, value)]
    if misshapen:
        return [f"«{name}» is no text or list of slugs that the home knows" for name in misshapen]
    films = [*content.get("films", []), *([content["film"]] if content.get("film") else [])]
    missing = _missing(session, Film, films) + _missing(session, Collection, content.get("collections", []))
    return [f"no page is called {slug}" for slug in missing]


def _fits(name: str, value: Any) -> bool:
    if name in TEXTS:
        return value is None or (isinstance(value, str) and len(value) <= LONGEST)
    return name in LISTS and isinstance(value, list) and all(isinstance(slug, str) for slug in value)


def _missing(session: Session, table: type[Film] | type[Collection], slugs: Several[str]) -> list[str]:
    known = set(session.scalars(select(table.slug).where(table.slug.in_(slugs))))
    return [slug for slug in slugs if slug not in known]
