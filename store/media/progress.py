"""How far a film is on its way: for a terminal at once, for pages by its row, and how the way is told to end."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from store import clock
from store.db import transaction
from store.media.models import Ingest
from store.media.package import ENCODE_SHARE

BETWEEN_REPORTS = timedelta(seconds=1)
SOONEST_ESTIMATE_S = 2.0

log = structlog.get_logger()


class Cancelled(Exception):
    """Somebody cancelled the film's ingest; what is finished of it waits for the next one."""

    def __str__(self) -> str:
        return "cancelled; what is encoded already is kept for the next time"


@dataclass(frozen=True)
class Standing:
    """The step, the fraction of the whole that is done, and, once that can be told: seconds of film per second, seconds left."""

    step: str
    fraction: float
    speed: float | None = None
    left_s: float | None = None


Show = Callable[[Standing], None]


class Pace:
    """What the speed of the encoding step makes of a fraction. Pieces that an earlier run made do not count."""

    def __init__(self, film_s: float) -> None:
        self._film_s = film_s
        self._began: tuple[float, float] | None = None

    def standing(self, step: str, fraction: float, now_s: float) -> Standing:
        """Where the whole stands at `now_s`, of any clock that only goes forward."""
        if step != "encode":
            return Standing(step, fraction)
        self._began = self._began or (now_s, fraction)
        passed_s, done = now_s - self._began[0], fraction - self._began[1]
        if passed_s < SOONEST_ESTIMATE_S or done <= 0:
            return Standing(step, fraction)
        speed = done / ENCODE_SHARE * self._film_s / passed_s
        return Standing(step, fraction, round(speed, 2), round(passed_s * (1 - fraction) / done))


class Reporter:
    """Tells `show` everything and the film's row at most once a second; raises Cancelled once the row says so."""

    def __init__(self, film_id: int, film_s: float, show: Show | None) -> None:
        self._film_id, self._show, self._pace = film_id, show, Pace(film_s)
        self._told_at: datetime | None = None

    def __call__(self, step: str, fraction: float) -> None:
        standing = self._pace.standing(step, fraction, time.monotonic())
        if self._show:
            self._show(standing)
        now = clock.now()
        if self._told_at and now - self._told_at < BETWEEN_REPORTS:
            return
        self._told_at = now
        try:
            with transaction() as session:
                note_running(session, self._film_id, **asdict(standing))
        except SQLAlchemyError as error:  # hours of encoding are not thrown away because nobody could be told
            log.warning("progress not written", film=self._film_id, error=repr(error))


def note_running(session: Session, film_id: int, **values: Any) -> None:
    """Note something about an ingest that runs. Raises Cancelled if it does not run any more."""
    running = update(Ingest).where(Ingest.film_id == film_id, Ingest.state == "running")
    changed = session.connection().execute(running.values(**values, updated_at=clock.now()))
    if not changed.rowcount:
        raise Cancelled
