"""The way of a film from its master into the shop, in steps that may be repeated.

    recipe → package, in a workshop of the media store → verify → move into the store → point the film at it

Only the last step is seen from outside, and it is one transaction: until then what was live stays live. A version that
the store holds already is not made again. ffmpeg runs outside any transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from store import clock
from store.catalogue.models import Film
from store.db import db, transaction
from store.gateways.media_store import MediaStore, media_store
from store.gateways.packager import MasterRefused, Package, PackagingFailed, Progress, package, probe, recipe_of, verify
from store.gateways.webvtt import Subtitle, SubtitlesRefused
from store.media.download import order_download
from store.media.models import Packaging
from store.stop import stop_at

REFUSALS = (MasterRefused, SubtitlesRefused)
"""What trying again does not change."""

BETWEEN_REPORTS = timedelta(seconds=1)

log = structlog.get_logger()


class UnknownFilm(LookupError):
    """The catalogue has no such film, or nobody delivered a master for it."""


@dataclass(frozen=True)
class Order:
    """What is to be published: a film, its master and its subtitles."""

    film_id: int
    film_slug: str
    master: Path
    subtitles: tuple[Subtitle, ...]


def order(film_slug: str, master: Path, subtitles: Sequence[Subtitle]) -> None:
    """Note what `publish` shall make a film from. Raises UnknownFilm, and Busy while the film is being packaged."""
    film_id = db.session.scalar(select(Film.id).where(Film.slug == film_slug))
    if film_id is None:
        raise UnknownFilm(f"no film is called {film_slug!r}")
    values = {
        "master": str(master.resolve()),
        "subtitles": json.dumps({one.language: str(one.path.resolve()) for one in subtitles}),
        "state": "waiting",
        "updated_at": clock.now(),
    }
    with media_store().workshop(film_slug), transaction() as session:
        changed = session.connection().execute(update(Packaging).where(Packaging.film_id == film_id).values(values))
        if not changed.rowcount:
            session.execute(insert(Packaging).values(film_id=film_id, step="", fraction=0.0, **values))


def publish(film_slug: str, on_progress: Progress | None = None) -> str:
    """Publish a film's ordered master and return its recipe; one that is published already changes nothing.

    Raises UnknownFilm, Busy, and MasterRefused, SubtitlesRefused or PackagingFailed, which its row then shows.
    """
    ordered = _ordered(film_slug)
    store = media_store()
    with store.workshop(film_slug) as workshop:
        try:
            return _publish(ordered, store, workshop / "next", on_progress)
        except BaseException as error:
            _write(ordered.film_id, state="failed", error=_one_line(error))
            raise


def _publish(ordered: Order, store: MediaStore, workshop: Path, on_progress: Progress | None) -> str:
    recipe = recipe_of(ordered.master, ordered.subtitles)
    if _is_live(ordered.film_id, recipe) and store.has(ordered.film_slug, recipe):
        return recipe
    _write(ordered.film_id, state="running", step="recipe", fraction=0.0, error=None)
    made = _made(ordered, recipe, store, workshop, _reporter(ordered.film_id, on_progress))
    _point(ordered, recipe, made)
    stop_at("media.published")
    return recipe


def _made(ordered: Order, recipe: str, store: MediaStore, workshop: Path, on_progress: Progress) -> Package:
    """The package in the store, made now if an earlier run did not get that far."""
    if store.has(ordered.film_slug, recipe):
        with store.local_copy(ordered.film_slug, recipe) as folder:
            return verify(folder, probe(ordered.master).duration_s)
    made = package(ordered.master, ordered.subtitles, workshop, on_progress)
    stop_at("media.packaged")
    store.publish(workshop, ordered.film_slug, recipe)
    stop_at("media.moved")
    return made


def _point(ordered: Order, recipe: str, made: Package) -> None:
    """The moment from which the film is played from, and sold with, this version."""
    with transaction() as session:
        live = {"recipe": recipe, "subtitles": list(made.subtitles)}
        session.execute(update(Film).where(Film.id == ordered.film_id).values(live))
        done: dict[str, Any] = {"state": "published", "step": "", "fraction": 1.0, "error": None}
        done |= {"recipe": recipe, "duration_s": made.duration_s, "updated_at": clock.now()}
        session.execute(update(Packaging).where(Packaging.film_id == ordered.film_id).values(done))
        order_download(session, ordered.film_slug)


def _ordered(film_slug: str) -> Order:
    columns = (Film.id, Packaging.master, Packaging.subtitles)
    row = db.session.execute(select(*columns).join(Packaging).where(Film.slug == film_slug)).first()
    if row is None:
        raise UnknownFilm(f"nobody delivered a master for {film_slug!r}")
    subtitles = json.loads(row.subtitles).items()
    return Order(row.id, film_slug, Path(row.master), tuple(Subtitle(name, Path(path)) for name, path in subtitles))


def _is_live(film_id: int, recipe: str) -> bool:
    live = select(Film.id).join(Packaging)
    live = live.where(Film.id == film_id, Film.recipe == recipe, Packaging.recipe == recipe)
    return db.session.scalar(live.where(Packaging.state == "published")) is not None


def _reporter(film_id: int, on_progress: Progress | None) -> Progress:
    """Tells `on_progress` everything and the film's row at most once a second."""
    last: list[datetime] = []

    def report(step: str, fraction: float) -> None:
        if on_progress:
            on_progress(step, fraction)
        now = clock.now()
        if last and now - last[0] < BETWEEN_REPORTS:
            return
        last[:] = [now]
        try:
            _write(film_id, step=step, fraction=fraction)
        except SQLAlchemyError as error:  # hours of encoding are not thrown away because nobody could be told
            log.warning("progress not written", film=film_id, error=repr(error))

    return report


def _write(film_id: int, **values: Any) -> None:
    with transaction() as session:
        row = update(Packaging).where(Packaging.film_id == film_id)
        session.execute(row.values(**values, updated_at=clock.now()))


def _one_line(error: BaseException) -> str:
    if isinstance(error, (*REFUSALS, PackagingFailed)):
        return str(error)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "stopped before the end"
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
