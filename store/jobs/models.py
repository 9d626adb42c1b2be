"""Tables of background work."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Job(Base):
    """Something to do after a commit; `lane` keeps long work out of the way of short."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_due", "done_at", "lane", "run_at"),)

    id: Mapped[Identity]
    name: Mapped[str]
    lane: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    run_at: Mapped[datetime]
    worker_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class Worker(Base):
    """A running worker and when it last showed that it lives; the jobs of a silent one go to others."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Schedule(Base):
    """When a recurring job is due next."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
