"""Tables of prepaid cards."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Denomination(Base):
    """What a prepaid card costs and the credit that it gives, both in cents; the difference is bonus."""

    __tablename__ = "denomination"
    __table_args__ = (CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),)

    id: Mapped[Identity]
    code: Mapped[str] = mapped_column(unique=True)
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    on_sale: Mapped[bool] = mapped_column(default=True)


class PrepaidCard(Base):
    """A card that was sold: `reference` says by what, `last4` is what its ticket shows of its number."""

    __tablename__ = "prepaid_card"

    id: Mapped[Identity]
    reference: Mapped[str] = mapped_column(unique=True)
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"), index=True)
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    last4: Mapped[str]
    activated_at: Mapped[datetime]


class ExpiryReminder(Base):
    """A letter about a bonus lot's end was asked for, so many days before it."""

    __tablename__ = "expiry_reminder"

    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
