"""Addresses that refused our letters: noted, shown to their owner and to staff, forgotten when somebody says that they work again."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store.db import table_of
from store.mail.models import Bounce

LONGEST_REASON = 300

BOUNCE = table_of(Bounce)


def note(session: Session, address: str, *, status: str, said: str, at: datetime) -> None:
    """Letters do not arrive at this address, which is spelt as we keep it; of several bounces the last one counts."""
    forget(session, address)
    session.add(Bounce(address=address, status=status, said=said[:LONGEST_REASON], noted_at=at))
    session.flush()


def forget(session: Session, address: str) -> None:
    """Letters are sent there again."""
    session.execute(delete(Bounce).where(Bounce.address == address))


def find(session: Session, address: str) -> Bounce | None:
    """What came back from this address; None when nothing did."""
    return session.get(Bounce, address, populate_existing=True)


def list_all(session: Session, limit: int) -> list[Bounce]:
    """The youngest bounces."""
    return list(session.scalars(select(Bounce).order_by(Bounce.noted_at.desc(), Bounce.address).limit(limit)))


def of_these(session: Session, addresses: Collection[str]) -> set[str]:
    """Those of these addresses at which letters do not arrive."""
    if not addresses:
        return set()
    return set(session.scalars(select(Bounce.address).where(Bounce.address.in_(addresses))))
