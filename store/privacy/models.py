"""Tables of archives and erasures."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, deferred, mapped_column

from store.db import Base


class Archive(Base):
    """All of a customer's data as one file, made by a job: `steps_done` of `steps` tables so far. A new one takes its place.

    It lies in the database and in no folder, so that any web process finds it, and an erasure takes it along.
    """

    __tablename__ = "own_archive"
    __table_args__ = (CheckConstraint("(ready_at IS NULL) = (content IS NULL)", name="ready_with_content"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime]
    steps_done: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None] = mapped_column(index=True)
    content: Mapped[bytes | None] = deferred(mapped_column())


class Erasure(Base):
    """A customer closed their account: from `asked_at` on nobody signs in to it, at `erased_at` nothing named them any more.

    It is never removed: after the restore of an older backup it says whom to erase again.
    """

    __tablename__ = "erasure"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
