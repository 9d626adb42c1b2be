"""Archives: asked for, made in the background, kept for seven days."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session, undefer

from store import clock
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import insert_if_absent, snapshot, table_of, transaction
from store.jobs.enqueue import enqueue
from store.own_table import Owner
from store.privacy.gather import gather
from store.privacy.models import Archive

KEPT = timedelta(days=7)
STUCK_AFTER = timedelta(hours=1)
"""An archive that takes so long may be asked for again."""

ARCHIVE = table_of(Archive)


def ask(session: Session, customer_id: int, at: datetime) -> None:
    """Have the customer's archive made, unless that is under way; what there was before is gone."""
    fresh = {"asked_at": at, "steps_done": 0, "steps": 0, "ready_at": None, "content": None}
    is_new = session.scalar(
        insert_if_absent(ARCHIVE, ARCHIVE.c.customer_id).returning(ARCHIVE.c.customer_id),
        {"customer_id": customer_id, **fresh},
    )
    begun_anew = update(Archive).where(
        Archive.customer_id == customer_id, Archive.ready_at.is_not(None) | (Archive.asked_at < at - STUCK_AFTER)
    )
    if is_new or session.scalar(begun_anew.values(fresh).returning(Archive.customer_id)):
        enqueue(session, "privacy.gather", {"customer_id": customer_id})


def make(customer_id: int) -> None:
    """Make the archive that was asked for, from one moment's view of the books; done already, nothing happens."""
    with snapshot() as session:
        asked = session.scalar(select(Archive.customer_id).where(_waits(customer_id)))
        if asked is None:
            return
        row = session.execute(
            select(Customer.id, Customer.wallet_id, Customer.email).where(Customer.id == customer_id)
        ).one()
        at = clock.now()
        with writing_to(session, customer_id):
            content = gather(session, Owner(*row), at, lambda done, of: _note(customer_id, done, of))
    with transaction() as writing:
        writing.execute(update(Archive).where(_waits(customer_id)).values(content=content, ready_at=at))


def find(session: Session, customer_id: int, at: datetime) -> Archive | None:
    """The customer's archive, without its content; None when none was asked for, or when its days are over."""
    return session.scalar(select(Archive).where(Archive.customer_id == customer_id, ~is_over(at)))


def content_of(session: Session, customer_id: int, at: datetime) -> bytes | None:
    """The file; None while there is none."""
    asked = select(Archive).where(Archive.customer_id == customer_id, ~is_over(at)).options(undefer(Archive.content))
    found = session.scalar(asked)
    return found.content if found else None


def is_over(at: datetime) -> ColumnElement[bool]:
    """The condition that an archive was ready seven days ago."""
    return Archive.ready_at.is_not(None) & (Archive.ready_at < at - KEPT)


def _waits(customer_id: int) -> ColumnElement[bool]:
    return (Archive.customer_id == customer_id) & Archive.ready_at.is_(None)


def _note(customer_id: int, done: int, of: int) -> None:
    """For the page that waits."""
    with transaction() as session:
        session.execute(update(Archive).where(_waits(customer_id)).values(steps_done=done, steps=of))
