"""Tables of prepaid cards. A code is in none of them: it is derived, and found by its digest."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity

MULTI_PURPOSE, SINGLE_PURPOSE = "multi", "single"

IN_THE_POOL = text("purpose = 'suspended'")


class Denomination(Base):
    """What a prepaid card costs and the credit that it gives, both in cents; the difference is bonus."""

    __tablename__ = "denomination"
    __table_args__ = (CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),)

    id: Mapped[Identity]
    code: Mapped[str] = mapped_column(unique=True)
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    on_sale: Mapped[bool] = mapped_column(default=True)


class CardBatch(Base):
    """Cards issued together for print; `denomination` is the code of what was on sale then."""

    __tablename__ = "card_batch"
    __table_args__ = (CheckConstraint("count > 0", name="count_positive"),)

    id: Mapped[Identity]
    denomination: Mapped[str]
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    count: Mapped[int]
    made_at: Mapped[datetime]


class PrepaidCard(Base):
    """A card: issued, then activated (sold), then redeemed into a wallet; `reference` says by what it was issued.

    A card for oneself is redeemed as it is sold, and has no code. All others are found by `lookup_digest`, which a reissue
    replaces; `key_version` and `reissue` are what their code is derived from, and `last4` is what is shown of it.
    `taken_cents` is what of its price was taken back for a refund or a dispute, for good or for the time being.

    `vat_mode` is fixed at issuance (Directive 2006/112/EC, art. 30a and 30b; CGI, art. 256 ter): of a multi-purpose voucher
    (`multi`) VAT is due when its credit is used, of a `single`-purpose one when it is sold. `vat_cents` is that VAT, as far
    as it lies within what is left of the card, until the card is redeemed; null as long as none was booked.
    """

    __tablename__ = "prepaid_card"
    __table_args__ = (
        CheckConstraint("purpose IN ('self', 'gift', 'batch', 'suspended')", name="purpose"),
        CheckConstraint("vat_mode IN ('multi', 'single')", name="vat_mode"),
        CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="credit_covers_price"),
        CheckConstraint("(redeemed_at IS NULL) = (wallet_id IS NULL)", name="redeemed_into_a_wallet"),
        CheckConstraint("redeemed_at IS NULL OR activated_at IS NOT NULL", name="redeemed_once_sold"),
        CheckConstraint("(lookup_digest IS NULL) = (key_version IS NULL)", name="code_has_its_key"),
        CheckConstraint("purpose <> 'self' OR lookup_digest IS NULL", name="own_card_has_no_code"),
        CheckConstraint("taken_cents BETWEEN 0 AND price_cents", name="taken_within_price"),
        CheckConstraint(
            "vat_cents IS NULL OR (vat_mode = 'single' AND vat_cents BETWEEN 0 AND price_cents)", name="vat_within"
        ),
        Index("ix_prepaid_card_pool", "handed_out_at", "id", sqlite_where=IN_THE_POOL, postgresql_where=IN_THE_POOL),
    )

    id: Mapped[Identity]
    reference: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    price_cents: Mapped[int]
    credit_cents: Mapped[int]
    currency: Mapped[str]
    last4: Mapped[str]
    issued_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    wallet_id: Mapped[int | None] = mapped_column(ForeignKey("wallet.id"), index=True)
    reissue: Mapped[int] = mapped_column(default=0)
    key_version: Mapped[int | None]
    lookup_digest: Mapped[str | None] = mapped_column(unique=True)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("card_batch.id"), index=True)
    handed_out_at: Mapped[datetime | None]
    bought_by: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    taken_cents: Mapped[int] = mapped_column(default=0)
    vat_mode: Mapped[str] = mapped_column(default="multi")
    vat_cents: Mapped[int | None]

    @property
    def paid_left_cents(self) -> int:
        """Its price, less what of it was refunded or disputed."""
        return self.price_cents - self.taken_cents

    @property
    def bonus_left_cents(self) -> int:
        """The bonus that this much of the price earns, in whole cents."""
        return (self.credit_cents - self.price_cents) * self.paid_left_cents // self.price_cents

    @property
    def worth_cents(self) -> int:
        """The credit that its code gives: nothing, once all of its price was taken back."""
        return self.paid_left_cents + self.bonus_left_cents


IS_WORTH_SOMETHING = PrepaidCard.taken_cents < PrepaidCard.price_cents
"""The condition that not all of a card was taken back."""


class CardHold(Base):
    """Part of a card that a refund or a dispute (`cause`) took back, in cents: held, then given up to an account or released.

    `journal_id` is the ledger's hold of lots; there is none for a card whose code nobody had entered yet. `vat_cents` is the
    VAT within `paid_cents` that was booked at the sale of a single-purpose card.
    """

    __tablename__ = "card_hold"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'released', 'given_up')", name="state"),
        CheckConstraint("paid_cents >= 0 AND bonus_cents >= 0 AND paid_cents + bonus_cents > 0", name="something"),
        CheckConstraint("vat_cents BETWEEN 0 AND paid_cents", name="vat_within"),
    )

    id: Mapped[Identity]
    cause: Mapped[str] = mapped_column(index=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("prepaid_card.id"), index=True)
    card_reference: Mapped[str]
    currency: Mapped[str]
    paid_cents: Mapped[int]
    bonus_cents: Mapped[int]
    vat_cents: Mapped[int] = mapped_column(default=0)
    journal_id: Mapped[int | None] = mapped_column(ForeignKey("journal.id"))
    state: Mapped[str]
    held_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def is_refund(self) -> bool:
        """Whether the money goes back by our own refund, and not because a bank pulled it."""
        return self.cause.startswith("refund:")


class Gift(Base):
    """To whom a card is given, how, and on which day of the shop's; `opened_at` is when its code was first entered."""

    __tablename__ = "gift"
    __table_args__ = (
        CheckConstraint("delivery IN ('email', 'print')", name="delivery"),
        CheckConstraint("delivery <> 'email' OR recipient_email IS NOT NULL", name="mailed_to_somebody"),
        Index(
            "ix_gift_due", "deliver_on", sqlite_where=text("sent_at IS NULL"), postgresql_where=text("sent_at IS NULL")
        ),
    )

    id: Mapped[Identity]
    card_id: Mapped[int] = mapped_column(ForeignKey("prepaid_card.id"), unique=True)
    delivery: Mapped[str]
    recipient_name: Mapped[str]
    recipient_email: Mapped[str | None]
    message: Mapped[str]
    deliver_on: Mapped[date]
    sent_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]


class ExpiryReminder(Base):
    """A letter about a bonus lot's end was asked for, so many days before it."""

    __tablename__ = "expiry_reminder"

    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
