"""The version of what strangers are shown: a number that moves in the transaction of whatever their pages show.

What is kept of a page or of the catalogue is kept for one version, and so is never older than the database.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session

from store.db import Base, Identity


class Shown(Base):
    """One row."""

    __tablename__ = "shown"

    id: Mapped[Identity]
    version: Mapped[int]


def version_of(session: Session) -> int:
    """The version that this session sees."""
    return session.scalars(select(Shown.version)).one()


def move_on(session: Session) -> None:
    """Something that pages show to everybody has changed."""
    session.execute(update(Shown).values(version=Shown.version + 1))
