"""The ledger's acts on a wallet, each in a transaction of its own, with what matters to the test and the rest as usual."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select

from store.db import db, transaction
from store.ledger.chart import GOODWILL, PROMOTIONS, RENTAL_SALES
from store.ledger.models import Lot, Posting
from store.ledger.post import (
    Entry,
    NewLot,
    deposit,
    expire,
    hold,
    lock_wallet,
    open_wallet,
    reverse,
    spend,
    transfer,
)
from store.ledger.reconcile import differences

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def paid(cents: int, expires_at: datetime | None = None) -> NewLot:
    """Paid credit."""
    return NewLot("paid", cents, GOODWILL, expires_at)


def taxed(cents: int, vat_cents: int) -> NewLot:
    """What a single-purpose card gives: its VAT was due at its sale."""
    return NewLot("paid", cents, GOODWILL, vat_cents=vat_cents)


def bonus(cents: int, expires_at: datetime | None = None) -> NewLot:
    """Credit on top."""
    return NewLot("bonus", cents, PROMOTIONS, expires_at)


class Left(NamedTuple):
    """A lot as it is now."""

    kind: str
    reference: str
    initial: int
    remaining: int
    expires_at: datetime | None
    created_at: datetime


class Books:
    """The ledger of a shop under test."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._keys = 0

    def wallet(self, *lots: NewLot, currency: str = "EUR", reference: str = "card:1") -> int:
        """A new wallet that holds these lots; returns its id."""
        with self.app.app_context(), transaction() as session:
            wallet_id = open_wallet(session, currency, AT)
        for lot in lots:
            self.deposit(wallet_id, lot, reference=reference)
        return wallet_id

    def deposit(self, wallet_id: int, *lots: NewLot, **more: Any) -> int:
        """Put lots into the wallet."""
        return self._do(deposit, wallet_id, lots, **{"kind": "card", "reference": "card:1", **more})

    def spend(self, wallet_id: int, cents: int, **more: Any) -> int:
        """Rent something."""
        price = {"currency": "EUR", "vat_percent": Decimal(20), "key": self._new_key(), "at": AT}
        sale = {"kind": "rental", "reference": "film:1", "sales_account": RENTAL_SALES}
        with self.app.app_context(), transaction() as session:
            return spend(session, wallet_id, cents, **{**price, **sale, **more})

    def hold(self, wallet_id: int, cents: int, **more: Any) -> int:
        """Set credit of a card aside."""
        return self._do(hold, wallet_id, cents, **{"kind": "hold", "reference": "card:1", **more})

    def reverse(self, wallet_id: int, journal_id: int, **more: Any) -> int:
        """Undo a journal."""
        return self._do(reverse, wallet_id, journal_id, **{"kind": "undone", **more})

    def expire(self, wallet_id: int, lot_id: int, at: datetime) -> int:
        """Book a lot's end."""
        with self.app.app_context(), transaction() as session:
            return expire(session, lock_wallet(session, wallet_id), lot_id, at=at)

    def transfer(self, *entries: Entry, **more: Any) -> int:
        """Move house money."""
        usual = {"kind": "sale", "reference": "card:1", "currency": "EUR", "key": self._new_key(), "at": AT}
        with self.app.app_context(), transaction() as session:
            return transfer(session, entries, **{**usual, **more})

    def lots(self, wallet_id: int) -> list[Left]:
        """The wallet's lots, the oldest first."""
        columns = [getattr(Lot, name) for name in Left._fields]
        with self.app.app_context():
            rows = db.session.execute(select(*columns).where(Lot.wallet_id == wallet_id).order_by(Lot.id))
            return [Left(*row) for row in rows]

    def remaining(self, wallet_id: int) -> list[int]:
        """What is left in each of the wallet's lots, the oldest first."""
        return [lot.remaining for lot in self.lots(wallet_id)]

    def lot_ids(self, wallet_id: int) -> list[int]:
        """The ids of the wallet's lots, the oldest first."""
        with self.app.app_context():
            return list(db.session.scalars(select(Lot.id).where(Lot.wallet_id == wallet_id).order_by(Lot.id)))

    def postings(self, journal_id: int) -> list[tuple[str, str, int]]:
        """What a journal debited and credited, in its order."""
        columns = Posting.debit_account, Posting.credit_account, Posting.amount
        with self.app.app_context():
            rows = db.session.execute(select(*columns).where(Posting.journal_id == journal_id).order_by(Posting.id))
            return [tuple(row) for row in rows]

    def differences(self) -> list[str]:
        """What the audit finds."""
        with self.app.app_context():
            return list(differences(db.session))

    def _do(self, act: Any, wallet_id: int, what: Any, **how: Any) -> int:
        with self.app.app_context(), transaction() as session:
            return act(session, lock_wallet(session, wallet_id), what, **{"key": self._new_key(), "at": AT, **how})

    def _new_key(self) -> str:
        self._keys += 1
        return f"key:{self._keys}"
