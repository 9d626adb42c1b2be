"""The end of bonus credit: announced 60, 15 and 3 days before, booked once when it comes.

An expired lot cannot be spent whether it was booked or not; booking only says so in the books.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.db import insert_if_absent, table_of
from store.ledger.models import Lot
from store.ledger.post import expire, lock_wallet
from store.prepaid_cards.models import ExpiryReminder
from store.stop import stop_at

DAYS_BEFORE = (60, 15, 3)


@dataclass(frozen=True)
class Ending:
    """A lot whose credit ends, and its wallet."""

    lot_id: int
    wallet_id: int


@dataclass(frozen=True)
class Due:
    """A reminder to send: to whose wallet, of which lots, how many days before."""

    wallet_id: int
    lot_ids: tuple[int, ...]
    days: int


def expired_lots(session: Session, at: datetime, limit: int = 1000) -> list[Ending]:
    """Bonus lots whose end has come and that still hold something, oldest end first."""
    rows = session.execute(
        select(Lot.id, Lot.wallet_id)
        .where(Lot.kind == "bonus", Lot.remaining > 0, Lot.expires_at <= at)
        .order_by(Lot.expires_at, Lot.id)
        .limit(limit)
    )
    return [Ending(row.id, row.wallet_id) for row in rows]


def book_expiry(session: Session, ending: Ending, at: datetime) -> int:
    """Book the lot's end; returns the cents that ended, 0 if somebody was faster."""
    wallet = lock_wallet(session, ending.wallet_id)
    stop_at("expire.locked")
    cents = expire(session, wallet, ending.lot_id, at=at)
    stop_at("expire.posted")
    return cents


def due_reminders(session: Session, at: datetime, zone: ZoneInfo) -> list[Due]:
    """What to remind of now, a letter for each wallet and distance; each lot once at each distance.

    Days are counted in `zone`. Who missed a distance (the shop was down) gets the nearest one that still applies.
    """
    today = at.astimezone(zone).date()
    horizon = datetime.combine(today + timedelta(days=max(DAYS_BEFORE) + 1), time(0), zone)
    lots = session.execute(
        select(Lot.id, Lot.wallet_id, Lot.expires_at)
        .where(Lot.kind == "bonus", Lot.remaining > 0, Lot.expires_at > at, Lot.expires_at < horizon)
        .order_by(Lot.wallet_id, Lot.id)
    ).all()
    sent = set(
        session.execute(
            select(ExpiryReminder.lot_id, ExpiryReminder.days).where(ExpiryReminder.lot_id.in_(lot.id for lot in lots))
        )
    )
    letters: dict[tuple[int, int], list[int]] = {}
    for lot in lots:
        days = _distance(lot.expires_at.astimezone(zone).date(), today)
        if (lot.id, days) not in sent:
            letters.setdefault((lot.wallet_id, days), []).append(lot.id)
    return [Due(wallet_id, tuple(lot_ids), days) for (wallet_id, days), lot_ids in letters.items()]


def note_reminded(session: Session, due: Due, at: datetime) -> bool:
    """Keep that these lots were reminded of at this distance; False when somebody did so before."""
    reminder = table_of(ExpiryReminder)
    noted = [
        session.scalar(
            insert_if_absent(reminder, (reminder.c.lot_id, reminder.c.days)).returning(reminder.c.lot_id),
            {"lot_id": lot_id, "days": due.days, "sent_at": at},
        )
        for lot_id in due.lot_ids
    ]
    return any(lot_id is not None for lot_id in noted)


def _distance(end: date, today: date) -> int:
    """The nearest distance that has been reached: 60, 15 or 3 days."""
    return min(days for days in DAYS_BEFORE if (end - today).days <= days)
