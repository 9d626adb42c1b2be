"""Tables of what customers may play, and of what they want to see later."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Entitlement(Base):
    """The right of one customer to play one film.

    A purchase has no end. A rental must begin by `begin_before`; its button sets `begun_at`, `ends_at` and the version of
    the consent text that was shown. `position_s` is where playing goes on, `position_sequence` the youngest report of it.
    `seen_at` is when they had seen it to the end, for customers who keep their history.
    """

    __tablename__ = "entitlement"
    __table_args__ = (
        CheckConstraint("kind IN ('rental', 'purchase')", name="kind"),
        CheckConstraint("kind = 'rental' OR (begin_before IS NULL AND ends_at IS NULL)", name="purchase_has_no_end"),
        Index("ix_entitlement_holder", "customer_id", "film_id"),
    )

    id: Mapped[Identity]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), index=True)
    kind: Mapped[str]
    price_cents: Mapped[int]
    granted_at: Mapped[datetime]
    begin_before: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    consent_version: Mapped[str | None]
    revoked_at: Mapped[datetime | None]
    position_s: Mapped[int] = mapped_column(default=0)
    position_sequence: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None]


class WatchlistEntry(Base):
    """A film that a customer wants to see later."""

    __tablename__ = "watchlist_entry"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True, index=True)
    added_at: Mapped[datetime]
