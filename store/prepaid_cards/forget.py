"""A customer's account is erased: cards stay in the books, and so do their codes; whom they went to, and with which words, does not."""

from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from store.prepaid_cards.models import IS_WORTH_SOMETHING, Gift, PrepaidCard

WAITS = (
    Gift.sent_at.is_(None),
    Gift.delivery == "email",
    PrepaidCard.activated_at.is_not(None),
    PrepaidCard.redeemed_at.is_(None),
    IS_WORTH_SOMETHING,
)
"""The conditions that a gift was paid for and is still to be mailed."""


def waiting_gifts(session: Session, customer_id: int) -> list[Gift]:
    """What the customer gave and is still to be mailed, the next one first."""
    waiting = select(Gift).join(PrepaidCard, PrepaidCard.id == Gift.card_id)
    return list(
        session.scalars(waiting.where(PrepaidCard.bought_by == customer_id, *WAITS).order_by(Gift.deliver_on, Gift.id))
    )


def hasten(session: Session, customer_id: int, today: date) -> int:
    """What the customer gave and is still to be mailed is due today; returns how many gifts that are."""
    ids = [gift.id for gift in waiting_gifts(session, customer_id)]
    session.execute(update(Gift).where(Gift.id.in_(ids), Gift.deliver_on > today).values(deliver_on=today))
    return len(ids)


def keys_of_gifts(session: Session, customer_id: int) -> list[str]:
    """By which names the letters went out that brought the customer's gifts, under each of their codes."""
    rows = session.execute(
        select(Gift.id, PrepaidCard.reissue)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .where(PrepaidCard.bought_by == customer_id)
    )
    return [f"gift-{row.id}-{number}" for row in rows for number in range(row.reissue + 1)]


def forget(session: Session, customer_id: int, email: str, at: datetime) -> None:
    """Forget to whom the customer gave cards, and, of what others gave, that it was sent to this address.

    A gift of somebody else's that is still to be sent to it keeps it until then: it is theirs to give.
    """
    given = select(PrepaidCard.id).where(PrepaidCard.bought_by == customer_id)
    _blank(session, Gift.card_id.in_(given), sent_at=func.coalesce(Gift.sent_at, at))
    _blank(session, (Gift.recipient_email == email) & Gift.sent_at.is_not(None))


def _blank(session: Session, condition: ColumnElement[bool], **more: ColumnElement[datetime]) -> None:
    """An e-mailed gift must have an address: an empty one."""
    nobody = {"recipient_name": "", "message": ""}
    mailed = condition & (Gift.delivery == "email")
    session.execute(update(Gift).where(mailed).values(recipient_email="", **nobody, **more))
    session.execute(update(Gift).where(condition & (Gift.delivery != "email")).values(recipient_email=None, **nobody))
