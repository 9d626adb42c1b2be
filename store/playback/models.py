"""Tables of playing."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Lease(Base):
    """One running stream of one device: kept by its renewals, gone after 90 s of silence or when ended.

    `recipe` is the packaged version that it began with: a newer one, published meanwhile, has other segments. `sequence`
    numbers its renewals, so that one that arrives late does not turn the position back.
    """

    __tablename__ = "lease"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"), index=True)
    session_digest: Mapped[str]
    user_agent: Mapped[str]
    recipe: Mapped[str] = mapped_column(server_default="")
    sequence: Mapped[int] = mapped_column(server_default="0")
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PlaybackFailure(Base):
    """A file that a running stream asked for with good reason, and that the shop did not have.

    The lease is named, not referred to: leases are thrown away. A rental that would have ended soon after ends later, from
    `extended_from` to `extended_to`.
    """

    __tablename__ = "playback_failure"

    id: Mapped[Identity]
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"), index=True)
    lease_id: Mapped[str]
    recipe: Mapped[str]
    name: Mapped[str]
    at: Mapped[datetime]
    extended_from: Mapped[datetime | None]
    extended_to: Mapped[datetime | None]
