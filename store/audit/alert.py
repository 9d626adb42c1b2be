"""Alerts: raised where something went wrong, open until a member of the staff has seen them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from store.audit.models import Alert, Facts
from store.audit.record import record
from store.db import insert_if_absent, table_of


class NoSuchAlert(Exception):
    """There is no alert of this id."""


@dataclass(frozen=True)
class Place:
    """A place in the list of alerts: right behind this one, which was seen or not."""

    is_seen: bool
    alert_id: int


def raise_alert(session: Session, kind: str, key: str, facts: Facts, at: datetime) -> bool:
    """Tell staff, once the caller's transaction commits; False when this key was told before.

    `store/audit/kinds.py` has the words for each kind and the meaning of each fact: sums are cents.
    """
    alert = table_of(Alert)
    new_id = session.scalar(
        insert_if_absent(alert, alert.c.key).returning(alert.c.id),
        {"kind": kind, "key": key, "facts": dict(facts), "raised_at": at},
    )
    return new_id is not None


def open_count(session: Session) -> int:
    """How many alerts nobody has seen."""
    return session.scalars(select(func.count()).select_from(Alert).where(Alert.seen_at.is_(None))).one()


def list_alerts(session: Session, *, with_seen: bool, after: Place | None, limit: int) -> list[Alert]:
    """The open alerts, then the seen ones if asked for; of each the newest first."""
    is_seen = Alert.seen_at.is_not(None)
    wanted = select(Alert).order_by(is_seen, Alert.id.desc()).limit(limit)
    if not with_seen:
        wanted = wanted.where(Alert.seen_at.is_(None))
    if after:
        behind = Alert.id < after.alert_id
        wanted = wanted.where(is_seen & behind if after.is_seen else is_seen | behind)
    return list(session.scalars(wanted))


def mark_seen(session: Session, alert_id: int, by: int, at: datetime) -> None:
    """Note that the staff member `by` has seen the alert; who was first stays noted. Raises NoSuchAlert."""
    kind = session.scalar(
        update(Alert)
        .where(Alert.id == alert_id, Alert.seen_at.is_(None))
        .values(seen_at=at, seen_by=by)
        .returning(Alert.kind)
    )
    if kind is not None:
        record(session, actor=by, act="alert.seen", subject=f"alert:{alert_id}", facts={"kind": kind}, at=at)
    elif session.get(Alert, alert_id) is None:
        raise NoSuchAlert(alert_id)


def some_unmailed(session: Session) -> bool:
    """Whether there are alerts that nobody was written about."""
    return session.scalar(select(Alert.id).where(Alert.mailed_at.is_(None)).limit(1)) is not None


def take_unmailed(session: Session, at: datetime) -> list[int]:
    """Take the alerts that nobody was written about, the oldest first: whoever takes them writes the letters."""
    taken = update(Alert).where(Alert.mailed_at.is_(None)).values(mailed_at=at).returning(Alert.id)
    return sorted(session.scalars(taken))
