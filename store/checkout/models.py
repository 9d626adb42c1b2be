"""Tables of buying with Stripe."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
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
        CheckConstraint("language IN ('fr', 'en')", name="language"),
        CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_CARDS}", name="quantity"),
        CheckConstraint("price_cents % quantity = 0 AND credit_cents % quantity = 0", name="cards_are_alike"),
        CheckConstraint("film_act IN ('rent', 'buy')", name="film_act"),
        CheckConstraint("film_outcome IN ('granted', 'held', 'short', 'frozen', 'withdrawn')", name="film_outcome"),
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
    language: Mapped[str] = mapped_column(server_default="fr")
    """In which it was placed, and Stripe is asked: its key is good for one wording alone."""

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


class Refund(Base):
    """Money of an order on its way back, in cents; `key` names it to Stripe and is persisted before the call.

    `origin` says who began it: our staff, the customer's withdrawal, or Stripe's dashboard, where `owed_cents` may have been
    paid back that nobody had left. Ours is `reserved` before Stripe knows of it.
    """

    __tablename__ = "card_refund"
    __table_args__ = (
        CheckConstraint("origin IN ('staff', 'withdrawal', 'stripe')", name="origin"),
        CheckConstraint("state IN ('reserved', 'pending', 'succeeded', 'failed')", name="state"),
        CheckConstraint("amount_cents > 0 AND owed_cents BETWEEN 0 AND amount_cents", name="amounts"),
    )

    id: Mapped[Identity]
    key: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("card_order.id"), index=True)
    origin: Mapped[str]
    amount_cents: Mapped[int]
    owed_cents: Mapped[int] = mapped_column(default=0)
    state: Mapped[str]
    stripe_refund_id: Mapped[str | None] = mapped_column(unique=True)
    failure: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]

    @property
    def reference(self) -> str:
        """How ledger, holds and receipts refer to it."""
        return f"refund:{self.id}"


class Dispute(Base):
    """A payment whose money the customer's bank pulled back, in cents: until it is decided, what is left of its cards is held."""

    __tablename__ = "card_dispute"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'won', 'lost')", name="state"),
        CheckConstraint("amount_cents > 0", name="amount_positive"),
    )

    id: Mapped[Identity]
    stripe_dispute_id: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("card_order.id"), index=True)
    amount_cents: Mapped[int]
    state: Mapped[str]
    respond_by: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def reference(self) -> str:
        """How ledger and holds refer to it."""
        return f"dispute:{self.id}"


class ReceiptCounter(Base):
    """The last number given in a series and year: the row that PostgreSQL holds from a number's giving to the end of its
    transaction. SQLite, which holds everything, needs none."""

    __tablename__ = "receipt_counter"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int]


class Receipt(Base):
    """A card sale (`sale`) or its refund (`credit_note`) on paper: whole as it was on its day, never changed, never removed.

    Its buyer alone gives way to a pseudonym, `customer:12`, once their account is erased.

    A sale that `corrects` a credit note takes that back: its refund did not arrive after all.

    Sums are cents; a credit note's total is what was given back, above zero like any other. `vat_mode` is the cards';
    `vat_percent` is written out, so that both engines keep it exactly, and is there for single-purpose cards alone. `lines`
    are `receipts.Line`s. Seller and buyer are copied: they stay when the shop or the customer changes.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("series", "year", "number"),
        CheckConstraint("series IN ('sale', 'credit_note')", name="series"),
        CheckConstraint("number > 0 AND total_cents > 0", name="positive"),
        CheckConstraint("vat_mode IN ('multi', 'single')", name="vat_mode"),
        CheckConstraint("(vat_mode = 'single') = (vat_percent IS NOT NULL)", name="vat_has_its_rate"),
        CheckConstraint(
            "vat_cents >= 0 AND vat_cents <= total_cents AND (vat_mode = 'single' OR vat_cents = 0)",
            name="vat_within_total",
        ),
    )

    id: Mapped[Identity]
    series: Mapped[str]
    year: Mapped[int]
    number: Mapped[int]
    reference: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("card_order.id"), index=True)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), index=True)
    issued_at: Mapped[datetime]
    total_cents: Mapped[int]
    currency: Mapped[str]
    vat_mode: Mapped[str]
    vat_percent: Mapped[str | None]
    vat_cents: Mapped[int]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    terms_version: Mapped[str]
    seller_name: Mapped[str]
    seller_imprint: Mapped[str]
    buyer_name: Mapped[str]
    buyer_email: Mapped[str]

    @property
    def takes_back(self) -> bool:
        """Whether it is no new sale, but the end of a credit note."""
        return self.series == "sale" and self.corrects_id is not None

    @property
    def shown_number(self) -> str:
        """« 2026-000123 », a credit note's « A-2026-000004 »: as it is printed, and in addresses."""
        return f"{'A-' if self.series == 'credit_note' else ''}{self.year}-{self.number:06}"


class WebhookEvent(Base):
    """An event of Stripe's: kept once, whatever is repeated, and without whom it is about."""

    __tablename__ = "webhook_event"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime]
