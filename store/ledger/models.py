"""Tables of the ledger. Guards that no ORM can express (no change, no removal) stand in the migrations as triggers."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Wallet(Base):
    """A customer's spendable credit: the row that is locked before any of its lots is read to be spent."""

    __tablename__ = "wallet"

    id: Mapped[Identity]
    currency: Mapped[str]
    opened_at: Mapped[datetime]


class Lot(Base):
    """The part of a wallet that came from one card, paid or bonus.

    `initial` and `remaining` are cents. A lot begins at 0; its postings fill and empty it through a trigger, so that the
    cached remainder cannot part from them. `vat_cents` is the VAT within `initial` that was due when its card was sold, a
    single-purpose one; null where VAT is due when the credit is spent.
    """

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint("initial > 0", name="initial_positive"),
        CheckConstraint("remaining >= 0 AND remaining <= initial", name="remaining_within_initial"),
        CheckConstraint("kind IN ('paid', 'bonus')", name="kind"),
        CheckConstraint(
            "vat_cents IS NULL OR (kind = 'paid' AND vat_cents BETWEEN 0 AND initial)",
            name="vat_within",
        ),
        Index(
            "ix_lot_spendable",
            "wallet_id",
            "expires_at",
            "id",
            "kind",
            "remaining",
            "vat_cents",
            sqlite_where=text("remaining > 0"),
            postgresql_where=text("remaining > 0"),
        ),
        Index("ix_lot_of_card", "wallet_id", "reference"),
    )

    id: Mapped[Identity]
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"))
    kind: Mapped[str]
    reference: Mapped[str]
    initial: Mapped[int]
    remaining: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    vat_cents: Mapped[int | None]


class Journal(Base):
    """One immutable business movement; `reverses_id` names the earlier one that it undoes, and nothing undoes twice."""

    __tablename__ = "journal"

    id: Mapped[Identity]
    kind: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    request_hash: Mapped[str]
    reference: Mapped[str] = mapped_column(index=True)
    currency: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    reverses_id: Mapped[int | None]

    __table_args__ = (
        Index(
            "uq_journal_reverses_id",
            "reverses_id",
            unique=True,
            sqlite_where=text("reverses_id IS NOT NULL"),
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
    )


class Posting(Base):
    """One debit-credit pair of a journal; `amount` is in cents and positive."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("amount > 0 AND amount = CAST(amount AS BIGINT)", name="amount_positive_integer"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
    )

    id: Mapped[Identity]
    journal_id: Mapped[int] = mapped_column(ForeignKey("journal.id"), index=True)
    debit_account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    credit_account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    amount: Mapped[int]
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"), index=True)


class Freeze(Base):
    """Nothing can be spent from the wallet until `lifted_at`: its owner owes `cents` for `reference` (a refund of spent credit)."""

    __tablename__ = "wallet_freeze"
    __table_args__ = (
        CheckConstraint("cents > 0", name="cents_positive"),
        Index(
            "ix_wallet_freeze_standing",
            "wallet_id",
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[Identity]
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"))
    reference: Mapped[str] = mapped_column(unique=True)
    cents: Mapped[int]
    frozen_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class Closing(Base):
    """The end of a day: the digest over its journals and the closing before, and the cents of credit outstanding then."""

    __tablename__ = "closing"

    day: Mapped[date] = mapped_column(primary_key=True)
    last_journal_id: Mapped[int]
    journals: Mapped[int]
    outstanding: Mapped[int]
    previous_digest: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str] = mapped_column(unique=True)
    closed_at: Mapped[datetime]


class AuditRun(Base):
    """An audit that took place: how many journals there were, and how many differences it found."""

    __tablename__ = "audit_run"

    id: Mapped[Identity]
    at: Mapped[datetime]
    journals: Mapped[int]
    differences: Mapped[int]
