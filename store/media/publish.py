"""The way of a film from its delivery into the shop, in steps that may be repeated.

    recipe → look → make, in a workshop of the media store → verify → move into the store → point the film at it

Only the last step is seen from outside, and it is one transaction: until then what was live stays live. A version that
the store holds already is not made again. ffmpeg runs outside any transaction.
"""

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.index_films import index_films
from store.catalogue.models import Film
from store.db import db, transaction
from store.gateways.master import probe
from store.gateways.media_store import media_store
from store.gateways.verify_package import Package, verify
from store.gateways.video_tools import DISK_IS_FULL, MasterRefused, PackagingFailed
from store.gateways.webvtt import SubtitlesRefused
from store.media.delivery import Delivery, Digests, delivery_of, digests_of, recipe_of
from store.media.download import order_download
from store.media.models import Ingest
from store.media.package import inspect, package
from store.media.progress import Cancelled, Reporter, Show, note_running
from store.media.slots import slot
from store.shown import move_on
from store.stop import stop_at

REFUSALS = (MasterRefused, SubtitlesRefused)
"""What trying again does not change."""


class UnknownFilm(LookupError):
    """The catalogue has no such film, or nobody delivered a master for it."""


def order(film_slug: str, delivery: Delivery) -> None:
    """Note what `publish` shall make a film from. Raises UnknownFilm, and Busy while the film is being packaged."""
    film = db.session.execute(select(Film.id, Film.media_folder).where(Film.answers_to(film_slug))).first()
    if film is None:
        raise UnknownFilm(f"no film is called {film_slug!r}")
    values = {**_anew(), "delivery": delivery.as_json()}
    with media_store().alone(film.media_folder), transaction() as session:
        changed = session.connection().execute(update(Ingest).where(Ingest.film_id == film.id).values(values))
        if not changed.rowcount:
            session.execute(insert(Ingest).values(film_id=film.id, digests={}, **values))


def order_again(film_slug: str) -> None:
    """Let a delivery that failed or was cancelled be published after all. Raises UnknownFilm, Busy."""
    ordered = _ordered(film_slug)
    with media_store().alone(ordered.folder), transaction() as session:
        session.execute(update(Ingest).where(Ingest.film_id == ordered.film_id).values(_anew()))


def cancel(film_slug: str) -> bool:
    """Cancel what waits or runs, on whichever machine; it ends within seconds. False if there was nothing to cancel."""
    ordered = _ordered(film_slug)
    with transaction() as session:
        return cancel_ordered(session, ordered.film_id)


def cancel_ordered(session: Session, film_id: int) -> bool:
    """The same in the caller's transaction, for a film that is known."""
    open_states = Ingest.state.in_(("waiting", "running"))
    changed = session.connection().execute(
        update(Ingest)
        .where(Ingest.film_id == film_id, open_states)
        .values(state="cancelled", step="", speed=None, left_s=None, updated_at=clock.now())
    )
    return bool(changed.rowcount)


def publish(film_slug: str, show: Show | None = None) -> str:
    """Publish a film's ordered delivery and return its recipe; one that is published already changes nothing.

    Goes on where an earlier run was killed or cancelled. Raises UnknownFilm, Busy, Cancelled, and MasterRefused,
    SubtitlesRefused or PackagingFailed, which its row then shows.
    """
    ordered = _ordered(film_slug)
    with media_store().alone(ordered.folder) as workshop:
        try:
            digests = digests_of(ordered.delivery, ordered.known)
            way = Way(ordered.film_id, ordered.folder, ordered.delivery, recipe_of(ordered.delivery, digests))
            if way.is_live():
                _note_published(way.film_id)
            else:
                _begin(way.film_id, digests)
                _publish(way, workshop, show)
        except BaseException as error:
            _note_failure(ordered.film_id, error)
            raise
    return way.recipe


@dataclass(frozen=True)
class Ordered:
    """A film, its folder in the media store, what was delivered for it, and the digests that are known of that."""

    film_id: int
    folder: str
    delivery: Delivery
    known: Digests


@dataclass(frozen=True)
class Way:
    """A film, its folder in the media store, what was delivered for it, and the name of what that becomes."""

    film_id: int
    folder: str
    delivery: Delivery
    recipe: str

    def is_stored(self) -> bool:
        """Whether the store holds this version."""
        return media_store().has(self.folder, self.recipe)

    def is_live(self) -> bool:
        """Whether the film is published in this version already."""
        live = select(Film.id).join(Ingest).where(Film.id == self.film_id)
        live = live.where(Film.recipe == self.recipe, Ingest.recipe == self.recipe)
        return self.is_stored() and db.session.scalar(live) is not None


def _publish(way: Way, workshop: Path, show: Show | None) -> None:
    _clear(workshop, keep=way.recipe)
    made = _stored(way) if way.is_stored() else _made(way, workshop / way.recipe, show)
    _clear(workshop)
    stop_at("media.moved")
    _point(way, made)
    stop_at("media.published")


def _stored(way: Way) -> Package:
    """The version that an earlier run moved into the store, but did not point the film to."""
    with media_store().local_copy(way.folder, way.recipe) as folder:
        return verify(folder, probe(way.delivery.master).duration_s)


def _made(way: Way, workshop: Path, show: Show | None) -> Package:
    """The version, made now, as soon as there is a place to encode at, and moved into the store."""
    footage = inspect(way.delivery)
    report = Reporter(way.film_id, footage.picture.duration_s, show)
    places = Path(current_app.config["INSTANCE_PATH"]) / "encodes"
    with slot(places, current_app.config["ENCODES_AT_ONCE"], lambda: report("wait", 0.0)):
        made = package(footage, workshop, report, chunk_s=current_app.config["ENCODE_CHUNK_S"])
    stop_at("media.packaged")
    media_store().publish(made.folder, way.folder, way.recipe)
    return made


def _point(way: Way, made: Package) -> None:
    """The moment from which the film is played from, and sold with, this version. Raises Cancelled."""
    done = {"state": "published", "step": "", "fraction": 1.0, "speed": None, "left_s": None, "error": None}
    with transaction() as session:
        note_running(session, way.film_id, **done, recipe=way.recipe, duration_s=made.duration_s)
        texts = sorted(one.name for one in way.delivery.trailer_subtitles)
        trailer = texts if way.delivery.trailer else None
        live = {"recipe": way.recipe, "subtitles": list(made.subtitles), "trailer": trailer}
        session.execute(update(Film).where(Film.id == way.film_id).values(live))
        session.flush()
        index_films(session, [way.film_id])  # by its subtitles, too
        move_on(session)
        order_download(session, session.scalars(select(Film.slug).where(Film.id == way.film_id)).one())


def _ordered(film_slug: str) -> Ordered:
    columns = (Film.id, Film.media_folder, Ingest.delivery, Ingest.digests)
    row = db.session.execute(select(*columns).join(Ingest).where(Film.answers_to(film_slug))).first()
    if row is None:
        raise UnknownFilm(f"nobody delivered a master for {film_slug!r}")
    return Ordered(row.id, row.media_folder, delivery_of(row.delivery), row.digests)


def _anew() -> dict[str, Any]:
    blank: dict[str, Any] = {"state": "waiting", "step": "", "fraction": 0.0, "speed": None, "left_s": None}
    return {**blank, "error": None, "updated_at": clock.now()}


def _begin(film_id: int, digests: Digests) -> None:
    """Note that the work begins, unless it was cancelled before."""
    wanted = update(Ingest).where(Ingest.film_id == film_id, Ingest.state != "cancelled")
    with transaction() as session:
        begun = session.connection().execute(wanted.values({**_anew(), "state": "running", "digests": digests}))
    if not begun.rowcount:
        raise Cancelled


def _note_published(film_id: int) -> None:
    """Let the row of a film that is live in the ordered version say so; of one that was cancelled nothing is asked."""
    asked_for = update(Ingest).where(Ingest.film_id == film_id, Ingest.state.in_(("waiting", "running", "failed")))
    with transaction() as session:
        session.execute(asked_for.values({**_anew(), "state": "published", "fraction": 1.0}))


def _note_failure(film_id: int, error: BaseException) -> None:
    """Let the row say what went wrong; one that was cancelled says that already."""
    open_still = update(Ingest).where(Ingest.film_id == film_id, Ingest.state.in_(("waiting", "running")))
    failed = {"state": "failed", "error": _one_line(error), "speed": None, "left_s": None, "updated_at": clock.now()}
    with transaction() as session:
        session.execute(open_still.values(failed))


def _clear(workshop: Path, keep: str = "") -> None:
    """Throw away what is left of other versions."""
    for folder in workshop.iterdir():
        if folder.name != keep:
            shutil.rmtree(folder)


def _one_line(error: BaseException) -> str:
    if isinstance(error, (*REFUSALS, PackagingFailed)):
        return str(error)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "stopped before the end; the next run goes on from there"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_IS_FULL
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
