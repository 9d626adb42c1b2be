"""Tables of the way of films into the shop."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base

STATES = ("waiting", "running", "published", "failed", "cancelled")


class Ingest(Base):
    """A film's way from master to publication: what was delivered, where it stands, how far and how fast, what went wrong.

    One row for each film: a new delivery takes the place of the old one. `delivery` and `digests` are those of `delivery.py`,
    paths on the worker's machine. `speed` is seconds of film per second; it and `left_s` are None while nobody can tell.
    `recipe` and `duration_s` are of the version that is live, whatever becomes of the present delivery.
    """

    __tablename__ = "ingest"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="state"),
        CheckConstraint("fraction >= 0 AND fraction <= 1", name="fraction"),
    )

    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True)
    delivery: Mapped[dict[str, Any]] = mapped_column(JSON)
    digests: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str]
    step: Mapped[str] = mapped_column(default="")
    fraction: Mapped[float] = mapped_column(Float, default=0.0)
    speed: Mapped[float | None] = mapped_column(Float)
    left_s: Mapped[float | None] = mapped_column(Float)
    error: Mapped[str | None]
    recipe: Mapped[str | None]
    duration_s: Mapped[float | None] = mapped_column(Float)
    updated_at: Mapped[datetime]


class FilmDownload(Base):
    """The file that buyers of a film take home, made once from the packaged version `recipe`.

    It lies in the media store as `version`; `mark_at` is the place in it, in bytes, where the buyer's name for it is written
    while it is sent (`mp4.py`).
    """

    __tablename__ = "film_download"

    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True)
    recipe: Mapped[str]
    version: Mapped[str]
    size_bytes: Mapped[int]
    mark_at: Mapped[int]
    made_at: Mapped[datetime]
