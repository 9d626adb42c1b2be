"""Daily closings: each holds the digest of its journals and of the closing before, so that no past day can be rewritten.

A closing covers what was booked since the one before it, by the journals' numbers; a chain over single journals would put
every sale in one queue (French tax law, CGI art. 286 I 3° bis, asks for records that cannot be changed unnoticed).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, func, insert, select
from sqlalchemy.orm import Session

from store.ledger.chart import LOT_ACCOUNTS
from store.ledger.models import Closing, Journal, Posting

SETTLING_TIME = timedelta(hours=1)
"""A day is closed this long after its end: whatever began before midnight has been committed by then."""

MOST_DAYS = 400
"""Closed in one call."""

BEGINNING = "0" * 64
"""What the first closing names as the digest before it."""

JOURNALS_AT_ONCE = 5000

_BOOKED = (
    select(
        Journal.id,
        Journal.kind,
        Journal.idempotency_key,
        Journal.request_hash,
        Journal.reference,
        Journal.currency,
        Journal.at,
        Posting.debit_account,
        Posting.credit_account,
        Posting.amount,
        Posting.lot_id,
        case(
            (Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount),
            (Posting.debit_account.in_(LOT_ACCOUNTS), -Posting.amount),
            else_=0,
        ).label("change"),
    )
    .outerjoin(Posting, Posting.journal_id == Journal.id)
    .where(Journal.id > bindparam("after_id"), Journal.id <= bindparam("last_id"))
    .order_by(Journal.id, Posting.id)
)


@dataclass(frozen=True)
class Digested:
    """What was booked in a range of journals: its digest, their number, and the change of the credit outstanding in cents."""

    digest: str
    journals: int
    outstanding_change: int


def close_days(session: Session, zone: ZoneInfo, at: datetime) -> int:
    """Close the days of `zone` that have ended and are not closed yet, in their order; returns how many.

    Of two callers at once the second meets the first's row (IntegrityError) and finds its work done when it tries again.
    """
    last = session.scalar(select(Closing).order_by(Closing.day.desc()).limit(1))
    day = last.day + timedelta(days=1) if last else _first_day(session, zone)
    closed = 0
    while day and closed < MOST_DAYS and end_of(day, zone) + SETTLING_TIME <= at:
        last = _close(session, day, zone, last, at)
        day, closed = day + timedelta(days=1), closed + 1
    return closed


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the day ends in this zone, 23 to 25 hours after it began."""
    return datetime.combine(day + timedelta(days=1), time(0), zone)


def digest_of(session: Session, previous_digest: str, after_journal_id: int, last_journal_id: int) -> Digested:
    """Read the journals after the one and up to the other, with their postings, in the order of their numbers."""
    digest = hashlib.sha256(previous_digest.encode())
    journals, change, current = 0, 0, None
    for row in _booked(session, after_journal_id, last_journal_id):
        if row.id != current:
            current, journals = row.id, journals + 1
            digest.update(_line(row.id, row.kind, row.idempotency_key, row.request_hash, row.reference, row.currency))
            digest.update(_line(row.at.isoformat()))
        digest.update(_line(row.debit_account, row.credit_account, row.amount, row.lot_id))
        change += row.change or 0
    return Digested(digest.hexdigest(), journals, change)


def _first_day(session: Session, zone: ZoneInfo) -> date | None:
    first = session.scalar(select(Journal.at).order_by(Journal.id).limit(1))
    return first.astimezone(zone).date() if first else None


def _close(session: Session, day: date, zone: ZoneInfo, before: Closing | None, at: datetime) -> Closing:
    after_id = before.last_journal_id if before else 0
    previous_digest = before.digest if before else BEGINNING
    last_id = session.scalar(select(func.max(Journal.id)).where(Journal.at < end_of(day, zone), Journal.id > after_id))
    booked = digest_of(session, f"{previous_digest} {day}", after_id, last_id or after_id)
    closing = Closing(
        day=day,
        last_journal_id=last_id or after_id,
        journals=booked.journals,
        outstanding=(before.outstanding if before else 0) + booked.outstanding_change,
        previous_digest=previous_digest,
        digest=booked.digest,
        closed_at=at,
    )
    session.execute(
        insert(Closing).values({column.name: getattr(closing, column.name) for column in Closing.__mapper__.columns})
    )
    return closing


def _booked(session: Session, after_journal_id: int, last_journal_id: int) -> Iterator[Any]:
    """The range's postings beside their journals, some at a time, so that any range fits into memory."""
    for start in range(after_journal_id, last_journal_id, JOURNALS_AT_ONCE):
        end = min(start + JOURNALS_AT_ONCE, last_journal_id)
        yield from session.connection().execute(_BOOKED, {"after_id": start, "last_id": end})


def _line(*fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
