"""What background work has before it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.jobs.enqueue import LANES
from store.jobs.models import Job


@dataclass(frozen=True)
class Backlog:
    """Of one lane: how many jobs are due or under way, how many of these failed before, how long the oldest has been due in seconds."""

    waiting: int
    failing: int
    oldest_s: float


def backlog(session: Session, now: datetime) -> dict[str, Backlog]:
    """By lane; jobs for later and those that were given up do not count."""
    query = (
        select(Job.lane, func.count(), func.count(Job.error), func.min(Job.run_at))
        .where(Job.done_at.is_(None), Job.failed_at.is_(None), Job.run_at <= now)
        .group_by(Job.lane)
    )
    found = {
        lane: Backlog(count, failing, (now - oldest).total_seconds())
        for lane, count, failing, oldest in session.execute(query)
    }
    return {lane: found.get(lane, Backlog(0, 0, 0.0)) for lane in LANES}


def given_up(session: Session) -> int:
    """Jobs that wait for `jobs retry`."""
    return session.scalar(select(func.count()).where(Job.done_at.is_(None), Job.failed_at.is_not(None))) or 0
