"""Suspended cards: paid for by somebody, for somebody else who cannot pay. Staff hand out their codes, the oldest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.prepaid_cards.models import IS_WORTH_SOMETHING, PrepaidCard


class PoolIsEmpty(Exception):
    """No such card waits to be handed out."""


@dataclass(frozen=True)
class PoolCount:
    """How many suspended cards wait, how many were handed out, and the cents of credit that wait."""

    waiting: int
    waiting_cents: int
    handed_out: int


def count(session: Session) -> PoolCount:
    """The public counter."""
    waiting, cents, handed_out = session.execute(
        select(
            func.count().filter(PrepaidCard.handed_out_at.is_(None)),
            func.coalesce(func.sum(PrepaidCard.credit_cents).filter(PrepaidCard.handed_out_at.is_(None)), 0),
            func.count(PrepaidCard.handed_out_at),
        ).where(PrepaidCard.purpose == "suspended", PrepaidCard.activated_at.is_not(None), IS_WORTH_SOMETHING)
    ).one()
    return PoolCount(waiting, int(cents), handed_out)


def hand_out(session: Session, *, at: datetime, price_cents: int | None = None) -> PrepaidCard:
    """The suspended card that waits longest, of this price if one is named; its code is to be given to one person.

    Two who hand out at once get two cards. Raises PoolIsEmpty.
    """
    query = select(PrepaidCard).where(
        PrepaidCard.purpose == "suspended",
        PrepaidCard.activated_at.is_not(None),
        PrepaidCard.handed_out_at.is_(None),
        IS_WORTH_SOMETHING,
    )
    if price_cents is not None:
        query = query.where(PrepaidCard.price_cents == price_cents)
    card = session.scalar(
        query.order_by(PrepaidCard.activated_at, PrepaidCard.id)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if card is None:
        raise PoolIsEmpty
    card.handed_out_at = at
    return card


def suspended_by(
    session: Session, customer_id: int, *, before_id: int | None = None, limit: int | None = None
) -> list[PrepaidCard]:
    """The suspended cards that this customer paid for, youngest first; those before the id of a card, at most `limit` of them."""
    query = select(PrepaidCard).where(
        PrepaidCard.bought_by == customer_id,
        PrepaidCard.purpose == "suspended",
        PrepaidCard.activated_at.is_not(None),
    )
    if before_id is not None:
        query = query.where(PrepaidCard.id < before_id)
    return list(session.scalars(query.order_by(PrepaidCard.id.desc()).limit(limit)))
