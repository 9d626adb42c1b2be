"""Ask for background work, in the transaction whose commit makes it due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from store import clock
from store.jobs.models import Job

LANES = ("prompt", "copy", "slow")
"""Jobs of one lane wait for each other: letters for letters, copies of whole films for copies, encodes for encodes."""

Handler = Callable[..., None]


@dataclass(frozen=True)
class Registration:
    """A handler and the lane that its jobs wait in."""

    handler: Handler
    lane: str


REGISTRY: dict[str, Registration] = {}
INTERVALS: dict[str, timedelta] = {}


def job(name: str, lane: str = "prompt") -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of jobs of this name. It may be called twice for one job."""

    def register(handler: Handler) -> Handler:
        REGISTRY[name] = Registration(handler, lane)
        return handler

    return register


def every(interval: timedelta) -> Callable[[Handler], Handler]:
    """Let the job that `@job` registers below this decorator come due by itself, again and again, without payload."""

    def register(handler: Handler) -> Handler:
        [name] = [name for name, registration in REGISTRY.items() if registration.handler is handler]
        INTERVALS[name] = interval
        return handler

    return register


def enqueue(session: Session, name: str, payload: dict[str, Any], run_at: datetime | None = None) -> None:
    """Write a job of a registered name; it becomes due when the caller's transaction commits, or at `run_at`."""
    session.execute(
        insert(Job).values(
            name=name, lane=REGISTRY[name].lane, payload=payload, run_at=run_at or clock.now(), attempts=0
        )
    )
