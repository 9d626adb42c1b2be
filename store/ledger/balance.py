"""What remains, lot by lot, and how it came about."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from store.ledger.chart import LOT_ACCOUNTS, UNREDEEMED_CARDS, VOUCHER_VAT
from store.ledger.models import AuditRun, Closing, Freeze, Journal, Lot, Posting
from store.ledger.post import HOLDS_SOMETHING

STATEMENT_LINES = 50


@dataclass(frozen=True)
class Movement:
    """One line of a statement: `amount` is what it added (negative: took), `balance` what there was after it, in cents."""

    journal_id: int
    kind: str
    reference: str
    at: datetime
    amount: int
    balance: int


@dataclass(frozen=True)
class Part:
    """One posting of a movement, as its lot sees it: `amount` cents came from (or, negative, went to) a house account."""

    lot_reference: str
    lot_kind: str
    amount: int
    account: str
    expires_at: datetime | None


_CREDIT = select(func.coalesce(func.sum(Lot.remaining), 0)).where(
    Lot.wallet_id == bindparam("wallet_id"),
    HOLDS_SOMETHING,
    or_(Lot.expires_at.is_(None), Lot.expires_at > bindparam("at", type_=Lot.expires_at.type)),
)
"""Built once: it is asked for with every page of whoever is signed in."""


def credit_of(session: Session, wallet_id: int, at: datetime) -> int:
    """The cents that the wallet's owner may spend at this instant: an expired lot counts nothing, swept or not."""
    credit = session.connection().execute(_CREDIT, {"wallet_id": wallet_id, "at": at}).scalar_one()
    return int(credit)  # PostgreSQL sums to a Decimal


def is_frozen(session: Session, wallet_id: int) -> bool:
    """Whether the wallet's owner owes something, so that nothing goes out of it."""
    stands = select(Freeze.id).where(Freeze.wallet_id == wallet_id, Freeze.lifted_at.is_(None)).limit(1)
    return session.scalar(stands) is not None


def left_of(session: Session, wallet_id: int, reference: str, at: datetime) -> tuple[int, int]:
    """What remains of the lots of `reference`: paid cents, and bonus cents that have not expired."""
    return left_of_each(session, wallet_id, [reference], at).get(reference, (0, 0))


def left_of_each(
    session: Session, wallet_id: int, references: Collection[str], at: datetime
) -> dict[str, tuple[int, int]]:
    """The same for each of these references that the wallet has lots of."""
    rows = session.execute(
        select(
            Lot.reference,
            func.sum(case((Lot.kind == "paid", Lot.remaining), else_=0)),
            func.sum(case((Lot.kind == "bonus", Lot.remaining), else_=0)),
        )
        .where(
            Lot.wallet_id == wallet_id,
            Lot.reference.in_(references),
            or_(Lot.expires_at.is_(None), Lot.expires_at > at),
        )
        .group_by(Lot.reference)
    )
    return {reference: (int(paid), int(bonus)) for reference, paid, bonus in rows}


def voucher_vat_of(session: Session, journal_id: int) -> int:
    """The VAT of single-purpose cards, in cents, that a journal took out of their lots."""
    vat = session.scalars(
        select(func.coalesce(func.sum(Posting.amount), 0)).where(
            Posting.journal_id == journal_id, Posting.credit_account == VOUCHER_VAT, Posting.lot_id.is_not(None)
        )
    ).one()
    return int(vat)


def first_worth_of(session: Session, wallet_id: int, reference: str) -> tuple[int, int]:
    """What the lots of `reference` held when they were made: paid cents, and bonus cents."""
    rows = session.execute(
        select(Lot.kind, func.sum(Lot.initial))
        .where(Lot.wallet_id == wallet_id, Lot.reference == reference)
        .group_by(Lot.kind)
    )
    sums = {kind: int(cents) for kind, cents in rows}
    return sums.get("paid", 0), sums.get("bonus", 0)


def lots_of(
    session: Session, wallet_id: int, *, after: tuple[bool, int] | None = None, limit: int | None = None
) -> list[Lot]:
    """The wallet's lots, those with something left first, then the youngest.

    `after` is the place of a lot, whether it was empty and its id: those behind it are given, at most `limit` of them.
    """
    is_empty = Lot.remaining == 0
    wanted = select(Lot).where(Lot.wallet_id == wallet_id).order_by(is_empty, Lot.id.desc()).limit(limit)
    if after:
        was_empty, lot_id = after
        behind = is_empty & (Lot.id < lot_id)
        wanted = wanted.where(behind if was_empty else or_(~is_empty & (Lot.id < lot_id), is_empty))
    return list(session.scalars(wanted))


def statement_of(
    session: Session,
    wallet_id: int,
    *,
    kinds: Collection[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    before_journal_id: int | None = None,
    limit: int = STATEMENT_LINES,
) -> list[Movement]:
    """The wallet's movements, youngest first, each with the balance after it, summed from the postings alone.

    `kinds`, `start` (included), `end` (not included) and the cursor `before_journal_id` choose lines; balances stay true.
    """
    change = func.sum(case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=-Posting.amount))
    lines = (
        select(
            Journal.id,
            Journal.kind,
            Journal.reference,
            Journal.at,
            change.label("amount"),
            func.sum(change).over(order_by=Journal.id).label("balance"),
        )
        .join(Posting, Posting.journal_id == Journal.id)
        .join(Lot, Lot.id == Posting.lot_id)
        .where(Lot.wallet_id == wallet_id)
        .group_by(Journal.id, Journal.kind, Journal.reference, Journal.at)
        .subquery()
    )
    chosen = select(lines).order_by(lines.c.id.desc()).limit(limit)
    if kinds:
        chosen = chosen.where(lines.c.kind.in_(kinds))
    if start:
        chosen = chosen.where(lines.c.at >= start)
    if end:
        chosen = chosen.where(lines.c.at < end)
    if before_journal_id is not None:
        chosen = chosen.where(lines.c.id < before_journal_id)
    rows = session.execute(chosen)
    return [Movement(row.id, row.kind, row.reference, row.at, int(row.amount), int(row.balance)) for row in rows]


def parts_of(session: Session, wallet_id: int, journal_ids: Collection[int]) -> dict[int, list[Part]]:
    """Where the cents of these movements came from and went, posting by posting, by the journal's id."""
    rows = session.execute(
        select(
            Posting.journal_id,
            Posting.debit_account,
            Posting.credit_account,
            Posting.amount,
            Lot.kind,
            Lot.reference,
            Lot.expires_at,
        )
        .join(Lot, Lot.id == Posting.lot_id)
        .where(Lot.wallet_id == wallet_id, Posting.journal_id.in_(journal_ids))
        .order_by(Posting.id)
    )
    parts: dict[int, list[Part]] = {journal_id: [] for journal_id in journal_ids}
    for row in rows:
        fills = row.credit_account in LOT_ACCOUNTS
        other = row.debit_account if fills else row.credit_account
        amount = row.amount if fills else -row.amount
        parts[row.journal_id].append(Part(row.reference, row.kind, amount, other, row.expires_at))
    return parts


@dataclass(frozen=True)
class Outstanding:
    """Stored value that the house owes, in cents: paid and offered credit in wallets, and cards sold but not redeemed."""

    paid: int
    bonus: int
    unredeemed: int


def outstanding(session: Session) -> Outstanding:
    """What the house owes its customers now"""
    paid, bonus = session.execute(
        select(
            func.coalesce(func.sum(case((Lot.kind == "paid", Lot.remaining), else_=0)), 0),
            func.coalesce(func.sum(case((Lot.kind == "bonus", Lot.remaining), else_=0)), 0),
        ).where(Lot.remaining > 0)
    ).one()
    unredeemed = session.scalars(
        select(
            func.coalesce(
                func.sum(case((Posting.credit_account == UNREDEEMED_CARDS, Posting.amount), else_=-Posting.amount)), 0
            )
        ).where(or_(Posting.credit_account == UNREDEEMED_CARDS, Posting.debit_account == UNREDEEMED_CARDS))
    ).one()
    return Outstanding(int(paid), int(bonus), int(unredeemed))


def last_audit(session: Session) -> AuditRun | None:
    """The last audit that took place, if any."""
    return session.scalar(select(AuditRun).order_by(AuditRun.id.desc()).limit(1))


def last_closing(session: Session) -> Closing | None:
    """The last day that was closed, if any."""
    return session.scalar(select(Closing).order_by(Closing.day.desc()).limit(1))
