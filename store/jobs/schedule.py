"""Recurring work: each job of `@every` is enqueued when it is due, once, however many workers look."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import clock
from store.db import db, insert_if_absent, table_of, transaction
from store.jobs.enqueue import INTERVALS, enqueue
from store.jobs.models import Schedule


def enqueue_due() -> list[str]:
    """Enqueue what is due and put it off by its interval; returns the names. What was missed is done once, not often."""
    now = clock.now()
    planned = {row.name: row.due_at for row in db.session.execute(select(Schedule.name, Schedule.due_at))}
    due = sorted(name for name in INTERVALS if planned.get(name, now) <= now)
    if not due:  # looking takes no lock
        return []
    with transaction() as session:
        taken = [name for name in due if _put_off(session, name, now)]
        for name in taken:
            enqueue(session, name, {})
    return taken


def _put_off(session: Session, name: str, now: datetime) -> bool:
    """Whether this caller, and no other, moved the job to its next time."""
    schedule = table_of(Schedule)
    session.execute(insert_if_absent(schedule, schedule.c.name), {"name": name, "due_at": now})
    moved = session.connection().execute(
        update(Schedule).where(Schedule.name == name, Schedule.due_at <= now).values(due_at=now + INTERVALS[name])
    )
    return bool(moved.rowcount)
