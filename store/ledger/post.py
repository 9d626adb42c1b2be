"""The only writer of money.

Every function runs in the caller's transaction and asks for a `LockedWallet`, so that nobody decides on a balance that
another is spending; `spend` takes the lock by itself, as late as it can. A journal's idempotency key makes a retry harmless:
the second call finds the first's journal, and the same key with another content is refused.

The statements are built once, here at the top: building them costs more than running them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from store.db import insert_if_absent, table_of
from store.ledger.chart import (
    ACCOUNT_OF_LOT_KIND,
    BONUS_VALUE,
    HELD_BONUS,
    HELD_VALUE,
    LOT_ACCOUNTS,
    PROMOTIONS,
    STORED_VALUE,
    VAT_COLLECTED,
    VOUCHER_VAT,
)
from store.ledger.models import Freeze, Journal, Lot, Posting, Wallet
from store.money import portion_of, vat_within
from store.prepared import Prepared, Values

GOODWILL_LIFE = timedelta(days=90)
"""How long credit lasts that comes back after the lot that it was taken from has expired."""

WALLET: Table = table_of(Wallet)
LOT: Table = table_of(Lot)
JOURNAL: Table = table_of(Journal)
POSTING: Table = table_of(Posting)
FREEZE: Table = table_of(Freeze)

HOLDS_SOMETHING = LOT.c.remaining > literal_column("0")
"""The condition of the index over such lots; with a bound 0 neither database would see that it fits."""

_VOUCHER_VAT_LEFT = case(
    (
        LOT.c.vat_cents.is_not(None),
        LOT.c.vat_cents
        - select(
            func.coalesce(
                func.sum(case((POSTING.c.credit_account == VOUCHER_VAT, POSTING.c.amount), else_=-POSTING.c.amount)), 0
            )
        )
        .where(
            POSTING.c.lot_id == LOT.c.id,
            or_(POSTING.c.credit_account == VOUCHER_VAT, POSTING.c.debit_account == VOUCHER_VAT),
        )
        .scalar_subquery(),
    )
).label("vat_left")
"""The VAT within what remains of a single-purpose card's lot, from its postings; null for any other lot, which asks for none."""

_LOCK = Prepared(select(WALLET.c.currency).where(WALLET.c.id == bindparam("wallet_id")).with_for_update(key_share=True))
_OPEN_JOURNAL = Prepared(insert_if_absent(JOURNAL, JOURNAL.c.idempotency_key).returning(JOURNAL.c.id))
_REVERSAL_OF = select(JOURNAL.c.idempotency_key).where(JOURNAL.c.reverses_id == bindparam("journal_id"))
_EARLIER_JOURNAL = select(JOURNAL.c.id, JOURNAL.c.request_hash).where(JOURNAL.c.idempotency_key == bindparam("key"))
_NEW_LOTS = insert(LOT).returning(LOT.c.id, LOT.c.kind)
_FREEZE = insert_if_absent(FREEZE, FREEZE.c.reference)
_LOTS_OF_REFERENCE = (
    select(LOT.c.id, LOT.c.kind, LOT.c.remaining, _VOUCHER_VAT_LEFT)
    .where(
        LOT.c.wallet_id == bindparam("wallet_id"),
        LOT.c.reference == bindparam("reference"),
        or_(LOT.c.expires_at.is_(None), LOT.c.expires_at > bindparam("at")),
    )
    .order_by(LOT.c.id)
)
_EXPIRED_LOT = select(
    LOT.c.reference,
    LOT.c.remaining,
    select(func.max(POSTING.c.id)).where(POSTING.c.lot_id == LOT.c.id).scalar_subquery().label("last_posting_id"),
).where(
    LOT.c.id == bindparam("lot_id"),
    LOT.c.wallet_id == bindparam("wallet_id"),
    LOT.c.kind == "bonus",
    LOT.c.expires_at <= bindparam("at"),
)
_POSTINGS_OF_JOURNAL = (
    select(
        POSTING.c.debit_account,
        POSTING.c.credit_account,
        POSTING.c.amount,
        POSTING.c.lot_id,
        LOT.c.wallet_id,
        LOT.c.expires_at,
    )
    .outerjoin(LOT, LOT.c.id == POSTING.c.lot_id)
    .where(POSTING.c.journal_id == bindparam("journal_id"))
    .order_by(POSTING.c.id)
)
_WRITE = Prepared(insert(POSTING))
_LOTS_TO_SPEND = Prepared(
    select(
        exists().where(FREEZE.c.wallet_id == WALLET.c.id, FREEZE.c.lifted_at.is_(None)),
        LOT.c.id,
        LOT.c.kind,
        LOT.c.remaining,
        _VOUCHER_VAT_LEFT,
    )
    .select_from(WALLET)
    .outerjoin(
        LOT,
        and_(
            LOT.c.wallet_id == WALLET.c.id,
            HOLDS_SOMETHING,
            or_(LOT.c.expires_at.is_(None), LOT.c.expires_at > bindparam("at")),
        ),
    )
    .where(WALLET.c.id == bindparam("wallet_id"), WALLET.c.currency == bindparam("currency"))
    .order_by(LOT.c.expires_at.is_(None), LOT.c.expires_at, LOT.c.id)
)
"""A row for each lot, one without a lot where there is none, no row where there is no such wallet."""

_ASKED_OF_POSTGRESQL = "wallet_id amount currency kind sales_account vat_percent key request_hash reference"
_SPEND_IN_ONE_CALL = Prepared(
    select(
        func.spend_from_wallet(
            *map(bindparam, _ASKED_OF_POSTGRESQL.split()), bindparam("at", type_=JOURNAL.c.at.type)
        ).table_valued("journal_id", "missing", "is_frozen", "earlier_hash")
    )
)
"""PostgreSQL's function of migration 0022: the lock and the whole spend, by the same rule, under the same tests."""


class InsufficientCredit(Exception):
    """The wallet holds less than the price; `missing` says by how many cents."""

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} cents are missing")
        self.missing = missing


class IdempotencyConflict(Exception):
    """The idempotency key was used before, for something else."""


class WalletFrozen(Exception):
    """Nothing can be spent from this wallet while its owner owes the shop what was refunded after it was spent."""


class AlreadyReversed(Exception):
    """The journal was undone before, under another key; it can be undone once."""


@dataclass(frozen=True)
class LockedWallet:
    """A wallet that the transaction holds. Only `lock_wallet` and `lock_wallets` give one."""

    id: int
    currency: str


@dataclass(frozen=True)
class Entry:
    """One debit-credit pair to post; `amount` in cents."""

    debit_account: str
    credit_account: str
    amount: int
    lot_id: int | None = None


@dataclass(frozen=True)
class NewLot:
    """Credit to put into a wallet: its kind (`paid`, `bonus`), its cents, and when it expires if ever.

    `vat_cents` is the VAT within it that was booked when its card was sold; None if VAT is due when it is spent.
    """

    kind: str
    amount: int
    funded_by: str
    expires_at: datetime | None = None
    vat_cents: int | None = None


class _Lot(NamedTuple):
    """Where something can be taken from: how many cents at most, and of a single-purpose card's lot the VAT within them."""

    id: int
    kind: str
    remaining: int
    vat_left: int | None


class _Slice(NamedTuple):
    """What is taken from one lot, in cents, and of a single-purpose card's lot the VAT within it."""

    lot_id: int
    lot_kind: str
    amount: int
    voucher_vat: int | None


def open_wallet(session: Session, currency: str, at: datetime) -> int:
    """A new, empty wallet; returns its id."""
    return session.scalars(insert(Wallet).values(currency=currency, opened_at=at).returning(Wallet.id)).one()


def lock_wallet(session: Session, wallet_id: int) -> LockedWallet:
    """Hold the wallet until the transaction ends. SQLite holds the whole database already. Raises LookupError if there is none."""
    found = _LOCK.execute(session.connection(), {"wallet_id": wallet_id})
    if not found:
        raise LookupError(f"there is no wallet {wallet_id}")
    [(currency,)] = found
    return LockedWallet(wallet_id, currency)


def lock_wallets(session: Session, wallet_ids: Iterable[int]) -> dict[int, LockedWallet]:
    """Hold several wallets, always in the order of their ids, so that two such calls never wait for each other."""
    return {wallet_id: lock_wallet(session, wallet_id) for wallet_id in sorted(set(wallet_ids))}


def deposit(
    session: Session,
    wallet: LockedWallet,
    lots: Sequence[NewLot],
    *,
    kind: str,
    key: str,
    reference: str,
    at: datetime,
    sale_vat: int = 0,
) -> int:
    """Put new lots, one paid and one bonus at most, into the wallet, whatever it holds; returns the journal's id.

    `sale_vat` is what becomes due with it, in cents, because this is the sale of a single-purpose card.
    Repeating it adds nothing.
    """
    connection = session.connection()
    request = [wallet.id, [[lot.kind, lot.amount, lot.funded_by] for lot in lots]]
    journal_id, is_new = _open_journal(connection, kind, key, reference, wallet.currency, request, at)
    if is_new:
        _write(connection, journal_id, [*_filling(connection, wallet, lots, reference, at), *vat_at_sale(sale_vat)])
    return journal_id


def spend(
    session: Session,
    wallet_id: int,
    amount: int,
    *,
    currency: str,
    kind: str,
    sales_account: str,
    vat_percent: Decimal,
    key: str,
    reference: str,
    at: datetime,
) -> int:
    """Take `amount` cents of this currency from the wallet, the lot that expires first before all others; returns the journal's id.

    The wallet is held from here until the transaction ends; who decided something before holds it already.
    VAT is due on the part that was paid, unless it was when the card was sold; spent bonus takes the promotion's promise back
    and is a discount.
    Raises LookupError where no such wallet has this currency, WalletFrozen and InsufficientCredit, and then nothing may be
    committed. Repeating it takes nothing more.
    """
    connection = session.connection()
    wallet, request = {"wallet_id": wallet_id, "currency": currency, "at": at}, [wallet_id, amount]
    if connection.dialect.name == "postgresql":
        journal = {"kind": kind, "key": key, "reference": reference}
        sale = {"amount": amount, "sales_account": sales_account, "vat_percent": vat_percent}
        request_hash = _digest([kind, reference, currency, request])
        return _spend_in_one_call(connection, {**wallet, **journal, **sale, "request_hash": request_hash})
    found = _LOTS_TO_SPEND.execute(connection, wallet)
    _refuse_unless_open(wallet_id, next((is_frozen for is_frozen, *_ in found), None))
    journal_id, is_new = _open_journal(connection, kind, key, reference, currency, request, at)
    if is_new:
        lots = [_Lot(*lot) for _, *lot in found if any(lot)]
        sales = [_sale(slice_, sales_account, vat_percent) for slice_ in _slices(lots, amount)]
        _write(connection, journal_id, [entry for sale in sales for entry in sale])
    return journal_id


def hold(
    session: Session,
    wallet: LockedWallet,
    amount: int,
    *,
    bonus: int = 0,
    kind: str,
    key: str,
    reference: str,
    at: datetime,
) -> int:
    """Set `amount` cents of the paid lots of `reference`, and `bonus` cents of its bonus lots, aside, where they cannot be
    spent; returns the journal's id. The VAT that was booked at the sale goes with them (`balance.voucher_vat_of`).

    `reverse` releases them. Raises InsufficientCredit when so much is not left, and then nothing may be committed.
    """
    connection = session.connection()
    request = [wallet.id, amount, bonus] if bonus else [wallet.id, amount]
    journal_id, is_new = _open_journal(connection, kind, key, reference, wallet.currency, request, at)
    if is_new:
        asked = {"wallet_id": wallet.id, "reference": reference, "at": at}
        lots = connection.execute(_LOTS_OF_REFERENCE, asked).all()
        paid = _slices((lot for lot in lots if lot.kind == "paid"), amount)
        given = _slices((lot for lot in lots if lot.kind == "bonus"), bonus)
        _write(connection, journal_id, [entry for part in paid for entry in _setting_aside(part)])
        _write(connection, journal_id, [Entry(BONUS_VALUE, HELD_BONUS, part.amount, part.lot_id) for part in given])
    return journal_id


def vat_at_sale(cents: int) -> list[Entry]:
    """The entry of the VAT that is due with the sale of a single-purpose card: none for 0.

    It is owed to the state from now on, and stands against the stored value until that is used.
    """
    return [Entry(VOUCHER_VAT, VAT_COLLECTED, cents)] if cents else []


def expire(session: Session, wallet: LockedWallet, lot_id: int, *, at: datetime) -> int:
    """Book the end of a bonus lot, once, as the promotion's reversal; returns the cents that ended (0: nothing was due).

    Paid credit never expires, whatever the lot's row says. A refund that began before the end and came after the booking
    fills the lot again: that is booked too, under another key.
    """
    connection = session.connection()
    lot = connection.execute(_EXPIRED_LOT, {"lot_id": lot_id, "wallet_id": wallet.id, "at": at}).first()
    if lot is None or not lot.remaining:
        return 0
    key, request = f"lot:{lot_id}:expiry:{lot.last_posting_id}", [wallet.id, lot.remaining]
    journal_id, is_new = _open_journal(connection, "expiry", key, lot.reference, wallet.currency, request, at)
    if is_new:
        _write(connection, journal_id, [Entry(BONUS_VALUE, PROMOTIONS, lot.remaining, lot_id)])
    return lot.remaining


def transfer(
    session: Session, entries: Sequence[Entry], *, kind: str, key: str, reference: str, currency: str, at: datetime
) -> int:
    """Move money between house accounts, no wallet concerned; returns the journal's id. Repeating it moves nothing."""
    if any({entry.debit_account, entry.credit_account} & {*LOT_ACCOUNTS} for entry in entries):
        raise ValueError("stored value moves through its wallet alone")
    connection = session.connection()
    request = [[entry.debit_account, entry.credit_account, entry.amount] for entry in entries]
    journal_id, is_new = _open_journal(connection, kind, key, reference, currency, request, at)
    if is_new:
        _write(connection, journal_id, entries)
    return journal_id


def reverse(session: Session, wallet: LockedWallet, journal_id: int, *, kind: str, key: str, at: datetime) -> int:
    """Undo a journal of this wallet by a new one with debits and credits exchanged; returns the new journal's id.

    What came from a lot that has expired meanwhile comes back as a new lot, the shop's goodwill. A journal is undone once:
    raises AlreadyReversed when it was, under another key.
    """
    connection = session.connection()
    earlier = connection.execute(_REVERSAL_OF, {"journal_id": journal_id}).scalar()
    if earlier not in (None, key):
        raise AlreadyReversed(journal_id)
    reference = connection.execute(select(JOURNAL.c.reference).where(JOURNAL.c.id == journal_id)).scalar_one()
    original = connection.execute(_POSTINGS_OF_JOURNAL, {"journal_id": journal_id}).all()
    if any(row.wallet_id not in (None, wallet.id) for row in original):
        raise ValueError(f"journal {journal_id} moved another wallet")
    request = [wallet.id, journal_id]
    reversal_id, is_new = _open_journal(connection, kind, key, reference, wallet.currency, request, at, journal_id)
    if is_new:
        _write(connection, reversal_id, _undoing(connection, wallet, reference, original, at))
    return reversal_id


def freeze(session: Session, wallet: LockedWallet, *, reference: str, cents: int, at: datetime) -> None:
    """Stop spending from this wallet, because its owner owes `cents` for `reference`; repeated, nothing more happens."""
    session.execute(_FREEZE, {"wallet_id": wallet.id, "reference": reference, "cents": cents, "frozen_at": at})


def unfreeze(session: Session, wallet: LockedWallet, *, reference: str, at: datetime) -> None:
    """What was owed for `reference` is owed no longer; other debts keep the wallet frozen."""
    session.execute(
        update(FREEZE)
        .where(FREEZE.c.wallet_id == wallet.id, FREEZE.c.reference == reference, FREEZE.c.lifted_at.is_(None))
        .values(lifted_at=at)
    )


def _spend_in_one_call(connection: Connection, values: Values) -> int:
    [(journal_id, missing, is_frozen, earlier_hash)] = _SPEND_IN_ONE_CALL.execute(connection, values)
    _refuse_unless_open(values["wallet_id"], is_frozen)
    if missing:
        raise InsufficientCredit(missing)
    if earlier_hash not in (None, values["request_hash"]):
        raise IdempotencyConflict(values["key"])
    return journal_id


def _refuse_unless_open(wallet_id: int, is_frozen: bool | None) -> None:
    if is_frozen is None:
        raise LookupError(f"there is no wallet {wallet_id} of this currency")
    if is_frozen:
        raise WalletFrozen(wallet_id)


def _open_journal(
    connection: Connection,
    kind: str,
    key: str,
    reference: str,
    currency: str,
    request: Any,
    at: datetime,
    reverses_id: int | None = None,
) -> tuple[int, bool]:
    """The journal of this idempotency key, and whether it is new; raises IdempotencyConflict."""
    request_hash = _digest([kind, reference, currency, request])
    opened = _OPEN_JOURNAL.execute(
        connection,
        {
            "kind": kind,
            "idempotency_key": key,
            "request_hash": request_hash,
            "reference": reference,
            "currency": currency,
            "at": at,
            "reverses_id": reverses_id,
        },
    )
    if opened:
        [(journal_id,)] = opened
        return journal_id, True
    earlier = connection.execute(_EARLIER_JOURNAL, {"key": key}).one()
    if earlier.request_hash != request_hash:
        raise IdempotencyConflict(key)
    return earlier.id, False


def _filling(
    connection: Connection, wallet: LockedWallet, lots: Sequence[NewLot], reference: str, at: datetime
) -> list[Entry]:
    """New lots, one of a kind at most and still empty, and the entries that fill them."""
    rows = [
        {
            "wallet_id": wallet.id,
            "kind": lot.kind,
            "reference": reference,
            "initial": lot.amount,
            "remaining": 0,
            "expires_at": lot.expires_at,
            "created_at": at,
            "vat_cents": lot.vat_cents,
        }
        for lot in lots
    ]
    lot_ids = {row.kind: row.id for row in connection.execute(_NEW_LOTS, rows)}
    return [Entry(lot.funded_by, ACCOUNT_OF_LOT_KIND[lot.kind], lot.amount, lot_ids[lot.kind]) for lot in lots]


def _slices(lots: Iterable[Any], amount: int) -> list[_Slice]:
    """What to take from these lots, in their order, to make up `amount`; raises InsufficientCredit."""
    slices, missing = [], amount
    for lot in lots:
        taken = min(lot.remaining, missing)
        if taken:
            vat = None if lot.vat_left is None else portion_of(lot.vat_left, taken, lot.remaining)
            slices.append(_Slice(lot.id, lot.kind, taken, vat))
            missing -= taken
    if missing:
        raise InsufficientCredit(missing)
    return slices


def _sale(part: _Slice, sales_account: str, vat_percent: Decimal) -> list[Entry]:
    if part.lot_kind == "bonus":
        return [Entry(BONUS_VALUE, PROMOTIONS, part.amount, part.lot_id)]
    if part.voucher_vat is None:
        vat, vat_account = vat_within(part.amount, vat_percent), VAT_COLLECTED
    else:
        vat, vat_account = part.voucher_vat, VOUCHER_VAT
    entries = (
        Entry(STORED_VALUE, sales_account, part.amount - vat, part.lot_id),
        Entry(STORED_VALUE, vat_account, vat, part.lot_id),
    )
    return [entry for entry in entries if entry.amount]


def _setting_aside(part: _Slice) -> list[Entry]:
    """The VAT within it leaves its lot as well, so that what stays keeps its own."""
    vat = part.voucher_vat or 0
    entries = (
        Entry(STORED_VALUE, HELD_VALUE, part.amount - vat, part.lot_id),
        Entry(STORED_VALUE, VOUCHER_VAT, vat, part.lot_id),
        Entry(VOUCHER_VAT, HELD_VALUE, vat),
    )
    return [entry for entry in entries if entry.amount]


def _undoing(
    connection: Connection, wallet: LockedWallet, reference: str, original: Sequence[Any], at: datetime
) -> list[Entry]:
    return [
        _goodwill(connection, wallet, reference, row, at)
        if row.expires_at is not None and row.expires_at <= at and row.debit_account in LOT_ACCOUNTS
        else Entry(row.credit_account, row.debit_account, row.amount, row.lot_id)
        for row in original
    ]


def _goodwill(connection: Connection, wallet: LockedWallet, reference: str, row: Any, at: datetime) -> Entry:
    lot = NewLot("bonus", row.amount, row.credit_account, at + GOODWILL_LIFE)
    [entry] = _filling(connection, wallet, [lot], reference, at)
    return entry


def _write(connection: Connection, journal_id: int, entries: Iterable[Entry]) -> None:
    rows = [
        {
            "journal_id": journal_id,
            "debit_account": entry.debit_account,
            "credit_account": entry.credit_account,
            "amount": entry.amount,
            "lot_id": entry.lot_id,
        }
        for entry in entries
    ]
    if rows:
        _WRITE.execute_many(connection, rows)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
