"""What remains, lot by lot, and how it came about."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from store.ledger.chart import LOT_ACCOUNTS
from store.ledger.models import Journal, Lot, Posting


@dataclass(frozen=True)
class Movement:
    """One line of a statement: `amount` is what it added (negative: took), `balance` what there was after it, in cents."""

    journal_id: int
    kind: str
    reference: str
    at: datetime
    amount: int
    balance: int


def credit_of(session: Session, wallet_id: int, at: datetime) -> int:
    """The cents that the wallet's owner may spend at this instant: an expired lot counts nothing, swept or not."""
    return session.scalars(
        select(func.coalesce(func.sum(Lot.remaining), 0)).where(
            Lot.wallet_id == wallet_id, Lot.remaining > 0, or_(Lot.expires_at.is_(None), Lot.expires_at > at)
        )
    ).one()


def lots_of(session: Session, wallet_id: int) -> list[Lot]:
    """All lots of the wallet, those with something left first, then the youngest."""
    return list(
        session.scalars(select(Lot).where(Lot.wallet_id == wallet_id).order_by(Lot.remaining == 0, Lot.id.desc()))
    )


def statement_of(session: Session, wallet_id: int, limit: int = 200) -> list[Movement]:
    """The wallet's movements, youngest first, each with the balance after it, summed from the postings alone."""
    change = func.sum(case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=-Posting.amount))
    rows = session.execute(
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
        .order_by(Journal.id.desc())
        .limit(limit)
    )
    return [Movement(row.id, row.kind, row.reference, row.at, int(row.amount), int(row.balance)) for row in rows]
