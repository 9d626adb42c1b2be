"""Tables of buying with Stripe."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity

FOR_ONESELF = ("self", "gap")
"""Purposes of the orders whose credit goes into the buyer's own wallet."""


MOST_CARDS = 20
"""In one order."""


class Order(Base):
    """Our record of one purchase. `key` names it to Stripe (reference and idempotency key) and is persisted before the call.

    What was offered is copied here, so that a later change of a denomination changes no sale. Sums are cents and those of
    the whole order: `quantity` cards, all alike. An order of the purpose `gap` pays what is missing for a film: once it is
    paid, `film_act` is done for at most `film_price_cents`, and `film_outcome` says what came of it.
    """

    __tablename__ = "card_order"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'processing', 'paid', 'failed', 'lapsed')", name="state"),
        CheckConstraint("purpose IN ('self', 'gift', 'suspended', 'gap')", name="purpose"),
        CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_CARDS}", name="quantity"),
        CheckConstraint("price_cents % quantity = 0 AND credit_cents % quantity = 0", name="cards_are_alike"),
        CheckConstraint("film_act IN ('rent', 'buy')", name="film_act"),
        CheckConstraint("film_outcome IN ('granted', 'held', 'short', 'withdrawn')", name="film_outcome"),
        CheckConstraint(
            "purpose <> 'gap' OR (film_slug IS NOT NULL AND film_act IS NOT NULL AND film_price_cents IS NOT NULL)",
            name="gap_is_for_a_film",
        ),
        CheckConstraint(
            "(film_outcome IN ('granted', 'held')) = (entitlement_id IS NOT NULL)", name="granted_film_is_held"
        ),
    )

    id: Mapped[Identity]
    key: Mapped[str] = mapped_column(unique=True)
    form_key: Mapped[str | None] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    purpose: Mapped[str] = mapped_column(default="self")
    quantity: Mapped[int] = mapped_column(default=1)
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    currency: Mapped[str]
    film_slug: Mapped[str | None]
    film_act: Mapped[str | None]
    film_price_cents: Mapped[int | None]
    film_outcome: Mapped[str | None]
    entitlement_id: Mapped[int | None] = mapped_column(ForeignKey("entitlement.id"))
    terms_version: Mapped[str]
    state: Mapped[str]
    stripe_session_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]

    @property
    def card_price_cents(self) -> int:
        """What one of its cards costs."""
        return self.price_cents // self.quantity

    @property
    def card_credit_cents(self) -> int:
        """The credit that one of its cards gives."""
        return self.credit_cents // self.quantity

    @property
    def is_for_oneself(self) -> bool:
        """Whether its credit goes into the buyer's own wallet."""
        return self.purpose in FOR_ONESELF

    @property
    def card_references(self) -> list[str]:
        """How its cards are called."""
        first = f"order:{self.id}"
        return [first, *(f"{first}:{number}" for number in range(2, self.quantity + 1))]


class WebhookEvent(Base):
    """An event of Stripe's as it came: kept once, whatever is repeated."""

    __tablename__ = "webhook_event"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime]
