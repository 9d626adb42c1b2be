"""The only writer of money.

Every function runs in the caller's transaction and locks the wallet before it reads what is in it, so that nobody decides
on a balance that another is spending. A journal's idempotency key makes a retry harmless: the second call finds the first's
journal, and the same key with another content is refused.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from store.db import insert_if_absent
from store.ledger.chart import ACCOUNT_OF_LOT_KIND, BONUS_VALUE, PROMOTIONS, STORED_VALUE, VAT_COLLECTED
from store.ledger.models import Journal, Lot, Posting, Wallet
from store.money import vat_within


class InsufficientCredit(Exception):
    """The wallet holds less than the price; `missing` says by how many cents."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} cents are missing")
        self.missing = missing


class IdempotencyConflict(Exception):
    """The idempotency key was used before, for something else."""


@dataclass(frozen=True)
class Entry:
    """One debit-credit pair to post; `amount` in cents."""

    debit_account: str
    credit_account: str
    amount: int
    lot_id: int | None = None


@dataclass(frozen=True)
class NewLot:
    """Credit to put into a wallet: its kind (`paid`, `bonus`), its cents, and when it expires if ever."""

    kind: str
    amount: int
    funded_by: str
    expires_at: datetime | None = None


def open_wallet(session: Session, currency: str, at: datetime) -> int:
    """A new, empty wallet; returns its id."""
    return session.scalars(insert(Wallet).values(currency=currency, opened_at=at).returning(Wallet.id)).one()


def lock_wallet(session: Session, wallet_id: int) -> str:
    """Hold the wallet until the transaction ends; returns its currency. SQLite holds the whole database already."""
    return session.scalars(select(Wallet.currency).where(Wallet.id == wallet_id).with_for_update()).one()


def deposit(
    session: Session, wallet_id: int, lots: Sequence[NewLot], *, kind: str, key: str, reference: str, at: datetime
) -> int:
    """Put new lots into the wallet, whatever it holds; returns the journal's id. Repeating it adds nothing."""
    currency = lock_wallet(session, wallet_id)
    request = [wallet_id, reference, [[lot.kind, lot.amount] for lot in lots]]
    journal_id, is_new = _open_journal(session, kind, key, reference, currency, request, at)
    if is_new:
        _write(session, journal_id, [_filling(session, wallet_id, lot, reference, at) for lot in lots])
    return journal_id


def spend(
    session: Session,
    wallet_id: int,
    amount: int,
    *,
    kind: str,
    sales_account: str,
    vat_percent: Decimal,
    key: str,
    reference: str,
    at: datetime,
) -> int:
    """Take `amount` cents from the wallet, the lot that expires first before all others; returns the journal's id.

    VAT is due on the part that was paid; spent bonus takes the promotion's promise back and is a discount.
    Raises InsufficientCredit, and then nothing may be committed. Repeating it takes nothing more.
    """
    currency = lock_wallet(session, wallet_id)
    journal_id, is_new = _open_journal(session, kind, key, reference, currency, [wallet_id, amount], at)
    if is_new:
        slices = _slices(session, wallet_id, amount, at)
        _write(
            session, journal_id, [entry for slice_ in slices for entry in _sale(*slice_, sales_account, vat_percent)]
        )
    return journal_id


def reverse(session: Session, wallet_id: int, journal_id: int, *, kind: str, key: str, at: datetime) -> int:
    """Undo a journal of this wallet by a new one with debits and credits exchanged; returns the new journal's id."""
    currency = lock_wallet(session, wallet_id)
    reference = session.scalars(select(Journal.reference).where(Journal.id == journal_id)).one()
    reversal_id, is_new = _open_journal(session, kind, key, reference, currency, [wallet_id, journal_id], at)
    if is_new:
        original = session.execute(
            select(Posting.debit_account, Posting.credit_account, Posting.amount, Posting.lot_id)
            .where(Posting.journal_id == journal_id)
            .order_by(Posting.id)
        )
        _write(session, reversal_id, [Entry(row[1], row[0], row[2], row[3]) for row in original])
    return reversal_id


def _open_journal(
    session: Session, kind: str, key: str, reference: str, currency: str, request: Any, at: datetime
) -> tuple[int, bool]:
    """The journal of this idempotency key, and whether it is new; raises IdempotencyConflict."""
    request_hash = _digest([kind, reference, currency, request])
    journal_id = session.scalar(
        insert_if_absent(session, Journal, Journal.idempotency_key)
        .values(
            kind=kind, idempotency_key=key, request_hash=request_hash, reference=reference, currency=currency, at=at
        )
        .returning(Journal.id)
    )
    if journal_id is not None:
        return journal_id, True
    earlier = session.execute(select(Journal.id, Journal.request_hash).where(Journal.idempotency_key == key)).one()
    if earlier.request_hash != request_hash:
        raise IdempotencyConflict(key)
    return earlier.id, False


def _filling(session: Session, wallet_id: int, lot: NewLot, reference: str, at: datetime) -> Entry:
    lot_id = session.scalars(
        insert(Lot)
        .values(
            wallet_id=wallet_id,
            kind=lot.kind,
            reference=reference,
            initial=lot.amount,
            remaining=0,
            expires_at=lot.expires_at,
            created_at=at,
        )
        .returning(Lot.id)
    ).one()
    return Entry(lot.funded_by, ACCOUNT_OF_LOT_KIND[lot.kind], lot.amount, lot_id)


def _slices(session: Session, wallet_id: int, amount: int, at: datetime) -> list[tuple[int, str, int]]:
    """(lot, kind, cents) that make up `amount`, first expiry first, then the oldest."""
    lots = session.execute(
        select(Lot.id, Lot.kind, Lot.remaining)
        .where(Lot.wallet_id == wallet_id, Lot.remaining > 0, (Lot.expires_at.is_(None)) | (Lot.expires_at > at))
        .order_by(Lot.expires_at.is_(None), Lot.expires_at, Lot.id)
    )
    slices, missing = [], amount
    for lot_id, kind, remaining in lots:
        if not missing:
            break
        taken = min(remaining, missing)
        slices.append((lot_id, kind, taken))
        missing -= taken
    if missing:
        raise InsufficientCredit(missing)
    return slices


def _sale(lot_id: int, kind: str, amount: int, sales_account: str, vat_percent: Decimal) -> Iterable[Entry]:
    if kind == "bonus":
        return [Entry(BONUS_VALUE, PROMOTIONS, amount, lot_id)]
    vat = vat_within(amount, vat_percent)
    entries = (
        Entry(STORED_VALUE, sales_account, amount - vat, lot_id),
        Entry(STORED_VALUE, VAT_COLLECTED, vat, lot_id),
    )
    return [entry for entry in entries if entry.amount]


def _write(session: Session, journal_id: int, entries: Iterable[Entry]) -> None:
    session.execute(
        insert(Posting),
        [
            {
                "journal_id": journal_id,
                "debit_account": entry.debit_account,
                "credit_account": entry.credit_account,
                "amount": entry.amount,
                "lot_id": entry.lot_id,
            }
            for entry in entries
        ],
    )


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
