"""The file that buyers of a film take home: made once from what is published, kept when the film is sold no more."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.models import Film
from store.db import db, insert_if_absent, table_of, transaction
from store.gateways.media_store import media_store
from store.gateways.mp4 import MARK, MP4_VERSION, NAME, make_mp4
from store.jobs.enqueue import enqueue
from store.media.models import FilmDownload
from store.stop import stop_at


@dataclass(frozen=True)
class Download:
    """A file that is ready: what to call it, where it lies, and where the buyer's mark goes, in bytes."""

    film: str
    folder: str
    title: str
    year: int
    version: str
    size_bytes: int
    mark_at: int


def download_of(session: Session, film_slug: str) -> Download | None:
    """The film's file; None while there is none yet."""
    row = session.execute(
        select(
            *(Film.slug, Film.media_folder, Film.title, Film.year),
            *(FilmDownload.version, FilmDownload.size_bytes, FilmDownload.mark_at),
        )
        .join(FilmDownload, FilmDownload.film_id == Film.id)
        .where(Film.slug == film_slug)
    ).first()
    return Download(*row) if row else None


def folder_of(session: Session, film_slug: str) -> str | None:
    """The folder of the film that is or was called so; None if none was."""
    return session.scalar(select(Film.media_folder).where(Film.answers_to(film_slug)))


def make_download(film_slug: str) -> None:
    """Make the file of the version that is live; one that there is already is not made again."""
    film = db.session.execute(
        select(
            *(Film.id, Film.media_folder, Film.title, Film.year, Film.recipe), FilmDownload.recipe.label("made_from")
        )
        .outerjoin(FilmDownload, FilmDownload.film_id == Film.id)
        .where(Film.answers_to(film_slug), Film.recipe.is_not(None))
    ).first()
    db.session.rollback()  # copying a film is slow: no read stays open meanwhile
    if film is None or film.made_from == film.recipe:
        return
    store, folder_name, version = media_store(), film.media_folder, _version(film.recipe)
    with store.workshop(f"{folder_name}-mp4-download") as workshop:
        folder = workshop / version
        folder.mkdir()
        file = folder / NAME
        with store.local_copy(folder_name, film.recipe) as package:
            mark_at = make_mp4(package, file, film.title, film.year)
        made = {"recipe": film.recipe, "version": version, "size_bytes": file.stat().st_size, "mark_at": mark_at}
        store.publish(folder, folder_name, version)
    stop_at("download.moved")
    with transaction() as session:
        _point(session, film.id, made)


def missing_downloads(session: Session) -> list[str]:
    """The slugs of the films that can be played, and whose file is not there or of an older version."""
    return list(
        session.scalars(
            select(Film.slug)
            .outerjoin(FilmDownload, FilmDownload.film_id == Film.id)
            .where(Film.recipe.is_not(None), or_(FilmDownload.recipe.is_(None), FilmDownload.recipe != Film.recipe))
            .order_by(Film.id)
        )
    )


def order_download(session: Session, film_slug: str) -> None:
    """Let the worker make the film's file, once the caller's transaction commits."""
    enqueue(session, "media.make_download", {"film_slug": film_slug})


def _point(session: Session, film_id: int, made: dict[str, object]) -> None:
    """From here on buyers get this file; the one before stays where it is, for who is fetching it."""
    download = table_of(FilmDownload)
    values = {**made, "made_at": clock.now()}
    session.execute(insert_if_absent(download, download.c.film_id), {"film_id": film_id, **values})
    session.execute(update(FilmDownload).where(FilmDownload.film_id == film_id).values(values))


def _version(recipe: str) -> str:
    """Names the file's folder beside the packages: 20 hexadecimal digits, as theirs; no token is ever made for it."""
    return hashlib.sha256(f"download {MP4_VERSION} {len(MARK)} {recipe}".encode()).hexdigest()[:20]
