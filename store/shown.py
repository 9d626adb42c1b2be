"""The version of what strangers are shown: a number that moves in the transaction of whatever their pages show.

What is kept of a page or of the catalogue is kept for one version, and so is never older than the database.
"""

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Mapped, Session

from store.db import Base, Identity
from store.prepared import Prepared


class Shown(Base):
    """One row."""

    __tablename__ = "shown"

    id: Mapped[Identity]
    version: Mapped[int]


VERSION = Prepared(select(Shown.version))


def version_at(connection: Connection) -> int:
    """The version that this connection sees; asked for in front of nearly every page, and so without the ORM."""
    ((version,),) = VERSION.execute(connection, {})
    return int(version)


def version_of(session: Session) -> int:
    """The version that this session sees."""
    return version_at(session.connection())


def move_on(session: Session) -> None:
    """Something that pages show to everybody has changed."""
    session.execute(update(Shown).values(version=Shown.version + 1))
