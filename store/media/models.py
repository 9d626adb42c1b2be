"""Tables of the packaging of films."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base


class Packaging(Base):
    """A film's way from master to publication: where it stands, how far, and what went wrong.

    `master` is a path on the worker's machine; `subtitles` maps a language to a path, as JSON.
    """

    __tablename__ = "packaging"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'published', 'failed')", name="state"),
        CheckConstraint("fraction >= 0 AND fraction <= 1", name="fraction"),
    )

    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True)
    master: Mapped[str]
    subtitles: Mapped[str]
    state: Mapped[str]
    step: Mapped[str] = mapped_column(default="")
    fraction: Mapped[float] = mapped_column(Float, default=0.0)
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
