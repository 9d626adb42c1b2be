"""Tables of the audit log and of the alerts. Customers are named by their id alone: an entry outlives whom it names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity

Facts = Mapping[str, str | int | Sequence[str] | None]
"""References, cents and the like. No secret, no code, no whole address: what stands in the log is never taken out again."""

IS_OPEN = text("seen_at IS NULL")
IS_UNMAILED = text("mailed_at IS NULL")


class AuditEntry(Base):
    """Somebody did something; never changed, never removed. `actor` is a customer's id; null is the shell or the shop itself."""

    __tablename__ = "audit_entry"

    id: Mapped[Identity]
    at: Mapped[datetime]
    actor: Mapped[int | None]
    act: Mapped[str]
    subject: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class Alert(Base):
    """Something that staff must know; `key` names what happened, so that it is told once. `seen_by` is a customer's id."""

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint("(seen_at IS NULL) = (seen_by IS NULL)", name="seen_by_somebody"),
        Index("ix_alert_open", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        Index("ix_alert_unmailed", "id", sqlite_where=IS_UNMAILED, postgresql_where=IS_UNMAILED),
    )

    id: Mapped[Identity]
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    raised_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[int | None]
