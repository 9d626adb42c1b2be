"""Tables of buying with Stripe."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Order(Base):
    """Our record of one purchase. `key` names it to Stripe (reference and idempotency key) and is persisted before the call.

    What was offered is copied here, so that a later change of a denomination changes no sale. Sums are cents.
    """

    __tablename__ = "card_order"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'paid', 'lapsed')", name="state"),
        CheckConstraint("purpose IN ('self', 'gift', 'suspended')", name="purpose"),
        CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),
    )

    id: Mapped[Identity]
    key: Mapped[str] = mapped_column(unique=True)
    form_key: Mapped[str | None] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    purpose: Mapped[str] = mapped_column(default="self")
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    currency: Mapped[str]
    film_slug: Mapped[str | None]
    terms_version: Mapped[str]
    state: Mapped[str]
    stripe_session_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class WebhookEvent(Base):
    """An event of Stripe's as it came: kept once, whatever is repeated."""

    __tablename__ = "webhook_event"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime]
