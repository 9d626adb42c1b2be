"""Versions of films that nothing points to any more are deleted, once nobody can be watching or fetching them."""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.db import db
from store.gateways.media_store import Busy, media_store
from store.media.models import FilmDownload, Ingest

GRACE = timedelta(days=2)
"""Longer than any stream or download that began with the version before: a film and its pauses, a slow line."""

log = structlog.get_logger()


def packaged_films(session: Session) -> list[tuple[int, str]]:
    """Id and folder of the films that can be played."""
    rows = session.execute(select(Film.id, Film.media_folder).where(Film.recipe.is_not(None)).order_by(Film.id))
    return [(row.id, row.media_folder) for row in rows]


def delete_old_versions(film_id: int, folder: str, watched: Collection[str], at: datetime) -> list[str]:
    """Delete a film's versions but what is live, to be taken home, or `watched`; returns those that went.

    A film that somebody is at work on is left for the next time. What lies there is looked at first, what is live after: a
    version that came in between is not seen, and one that is coming in is that of a film that is not settled.
    """
    store = media_store()
    try:
        with store.alone(folder):
            there = store.versions(folder)
            in_use = _in_use(db.session, film_id, at) if len(there) > 1 else None
            db.session.rollback()  # deleting is slow: no read stays open meanwhile
            if in_use is None:
                return []
            old = [version for version in there if version not in in_use and version not in watched]
            for version in old:
                store.delete(folder, version)
    except Busy:
        return []
    if old:
        log.info("old versions deleted", folder=folder, versions=old)
    return old


def _in_use(session: Session, film_id: int, at: datetime) -> set[str] | None:
    """The versions that are live; None while the film is being made anew, or changed within the grace."""
    long_ago = at - GRACE
    row = session.execute(
        select(Film.recipe, FilmDownload.version)
        .join(Ingest, Ingest.film_id == Film.id)
        .join(FilmDownload, FilmDownload.film_id == Film.id)
        .where(
            *(Film.id == film_id, Ingest.recipe == Film.recipe, FilmDownload.recipe == Film.recipe),
            *(Ingest.state == "published", Ingest.updated_at < long_ago, FilmDownload.made_at < long_ago),
        )
    ).first()
    return {row.recipe, row.version} if row else None
