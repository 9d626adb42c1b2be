"""The worker: takes due jobs, one at a time in each lane, until it is told to stop.

A job is claimed in a short transaction, done outside any, and marked done in another: it happens at least once. A worker
that falls silent loses its claims to the next one; one that is told to stop gives back what it could not finish.
"""

import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from store import clock, tally
from store.db import db, transaction
from store.jobs.enqueue import LANES, REGISTRY
from store.jobs.models import Job, Worker
from store.jobs.schedule import enqueue_due
from store.logs import doing, mask
from store.signals import Told

POLL_S = 0.3
LONGEST_FAREWELL_S = {
    "prompt": 5.0,
    "copy": 0.5,
    "slow": 0.5,
}  # an encode is begun again: nobody waits for one at a Ctrl-C
BEAT_S = 3.0
SILENT_AFTER = timedelta(seconds=20)
MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)

log = structlog.get_logger()


def work(app: Flask, told: Told) -> None:
    """Work all lanes until told to stop; each ends after the job that it is doing, or gives it back."""
    worker_id, stop = uuid.uuid4().hex, threading.Event()
    with app.app_context():
        _appear(worker_id)
    threading.Thread(target=_beat, args=(app, worker_id, stop), daemon=True).start()
    lanes = {
        lane: threading.Thread(target=_work_lane, args=(app, worker_id, lane, stop), daemon=True) for lane in LANES
    }
    for thread in lanes.values():
        thread.start()
    while not told(POLL_S):
        pass
    stop.set()
    told_at = time.monotonic()
    for lane, thread in lanes.items():
        thread.join(timeout=max(0, told_at + LONGEST_FAREWELL_S[lane] - time.monotonic()))
    with app.app_context():
        _disappear(worker_id)


def run_next(worker_id: str, lane: str) -> bool:
    """Claim and do one due job of the lane; False when there is none."""
    claimed = _claim(worker_id, lane)
    if claimed is None:
        return False
    job_id, name, payload = claimed
    began = time.monotonic()
    tally.begin()
    token = doing.set({"job": name, "id": job_id})
    try:
        REGISTRY[name].handler(**payload)
    except Exception as error:
        log.warning("job failed", error=repr(error), **_cost_since(began))
        _postpone(job_id, worker_id, mask(repr(error)))
    else:
        log.info("job done", **_cost_since(began))
        _finish(job_id)
    finally:
        doing.reset(token)
    return True


def some_worker_lives(session: Session, now: datetime) -> bool:
    """Whether a worker showed itself lately."""
    return session.scalar(select(Worker.id).where(Worker.seen_at > now - SILENT_AFTER).limit(1)) is not None


def _cost_since(began: float) -> dict[str, float]:
    return {"ms": round((time.monotonic() - began) * 1000, 1), "queries": tally.statements()}


def _work_lane(app: Flask, worker_id: str, lane: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with app.app_context():
                did_something = run_next(worker_id, lane)
        except Exception as error:  # the database is away: what was claimed comes back by itself
            log.error("worker cannot reach its jobs", lane=lane, error=repr(error))
            did_something = False
        if not did_something:
            stop.wait(POLL_S)


def _beat(app: Flask, worker_id: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT_S):
        try:
            with app.app_context(), transaction() as session:
                session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=clock.now()))
            with app.app_context():
                enqueue_due()
        except Exception as error:
            log.error("worker cannot show that it lives", error=repr(error))


def _appear(worker_id: str) -> None:
    now = clock.now()
    with transaction() as session:
        session.execute(delete(Worker).where(Worker.seen_at < now - 10 * SILENT_AFTER))
        session.execute(insert(Worker).values(id=worker_id, started_at=now, seen_at=now))


def _disappear(worker_id: str) -> None:
    """Say goodbye; what is given back was no failed try."""
    unfinished = update(Job).where(Job.worker_id == worker_id, Job.done_at.is_(None), Job.failed_at.is_(None))
    with transaction() as session:
        session.execute(unfinished.values(worker_id=None, attempts=Job.attempts - 1))
        session.execute(delete(Worker).where(Worker.id == worker_id))


def _claim(worker_id: str, lane: str) -> tuple[int, str, dict[str, Any]] | None:
    """The id, name and payload of a due job that no living worker holds; what this lane itself still holds, it left behind."""
    now = clock.now()
    living = select(Worker.id).where(Worker.seen_at > now - SILENT_AFTER)
    due = (
        select(Job.id, Job.name, Job.payload, Job.attempts)
        .where(Job.done_at.is_(None), Job.failed_at.is_(None), Job.lane == lane, Job.run_at <= now)
        .where(or_(Job.worker_id.is_(None), Job.worker_id == worker_id, Job.worker_id.not_in(living)))
        .order_by(Job.run_at, Job.id)
        .limit(1)
    )
    if db.session.execute(due).first() is None:  # looking takes no lock: an idle worker is in nobody's way
        return None
    with transaction() as session:
        found = session.execute(due.with_for_update(key_share=True, skip_locked=True)).first()
        if found is None:
            return None
        if found.attempts >= MOST_ATTEMPTS:
            _give_up(session, found.id, now)
            return None
        session.execute(update(Job).where(Job.id == found.id).values(worker_id=worker_id, attempts=Job.attempts + 1))
        return found.id, found.name, found.payload


def _finish(job_id: int) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(done_at=clock.now(), worker_id=None, error=None))


def _give_up(session: Session, job_id: int, now: datetime) -> None:
    """Leave a job alone that ended its workers at every try, before one of them could say why."""
    lost = {"worker_id": None, "error": "every worker that tried ended before it", "failed_at": now}
    session.execute(update(Job).where(Job.id == job_id).values(lost))


def _postpone(job_id: int, worker_id: str, error: str) -> None:
    """Try again later, ever more rarely; after the last try the job waits for `jobs retry`.

    A worker that was taken for dead meanwhile has no say: another one holds the job.
    """
    now = clock.now()
    with transaction() as session:
        attempts = session.scalars(select(Job.attempts).where(Job.id == job_id)).one()
        session.execute(
            update(Job)
            .where(Job.id == job_id, Job.worker_id == worker_id)
            .values(
                worker_id=None,
                error=error[:2000],
                run_at=now + min(timedelta(seconds=2**attempts), LONGEST_PAUSE),
                failed_at=now if attempts >= MOST_ATTEMPTS else None,
            )
        )
