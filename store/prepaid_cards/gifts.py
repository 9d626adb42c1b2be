"""Cards that are given: to whom, when, and how far they have come."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import Keys
from store.prepaid_cards.models import IS_WORTH_SOMETHING, Gift, PrepaidCard
from store.prepaid_cards.reissue import reissue

WAITING, SENT, OPENED, REDEEMED, REFUNDED = "waiting", "sent", "opened", "redeemed", "refunded"


class NoSuchGift(Exception):
    """Nobody gave this, or somebody else did."""


@dataclass(frozen=True)
class GiftWish:
    """What who gives a card asks for: `delivery` is `email` or `print`, `deliver_on` a day of the shop's."""

    delivery: str
    recipient_name: str
    recipient_email: str | None
    message: str
    deliver_on: date


@dataclass(frozen=True)
class GivenCard:
    """A gift as who bought it sees it; `state` is `waiting`, `sent`, `opened` (its code was entered), `redeemed` or `refunded`."""

    gift: Gift
    card: PrepaidCard
    state: str


def wrap(session: Session, wishes: Mapping[int, GiftWish]) -> None:
    """Note to whom each card goes, by the cards' ids."""
    session.execute(insert(Gift), [{"card_id": card_id, **asdict(wish)} for card_id, wish in wishes.items()])


def wishes_of(session: Session, card_references: Collection[str]) -> list[GiftWish]:
    """To whom the cards of these references go, as it stands now, in the order in which they were issued."""
    rows = session.execute(
        select(Gift.delivery, Gift.recipient_name, Gift.recipient_email, Gift.message, Gift.deliver_on)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .where(PrepaidCard.reference.in_(card_references))
        .order_by(PrepaidCard.id)
    )
    return [GiftWish(*row) for row in rows]


def given_by(
    session: Session, customer_id: int, *, before_id: int | None = None, limit: int | None = None
) -> list[GivenCard]:
    """The gifts that this customer paid for, youngest first; those before the id of a gift, at most `limit` of them."""
    wanted = _given_by(customer_id).order_by(Gift.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(Gift.id < before_id)
    return [GivenCard(gift, card, _state(gift, card)) for gift, card in session.execute(wanted)]


def find_given(session: Session, customer_id: int, gift_id: int) -> GivenCard | None:
    """The one gift; None for somebody else's."""
    row = session.execute(_given_by(customer_id).where(Gift.id == gift_id)).first()
    return GivenCard(row[0], row[1], _state(row[0], row[1])) if row else None


def _given_by(customer_id: int) -> Select[Gift, PrepaidCard]:
    return (
        select(Gift, PrepaidCard)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .where(PrepaidCard.bought_by == customer_id, PrepaidCard.activated_at.is_not(None))
    )


def due(session: Session, today: date) -> list[int]:
    """The gifts to mail by now: paid for, not mailed yet, wished for today or earlier."""
    query = (
        select(Gift.id)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .where(
            Gift.sent_at.is_(None),
            Gift.delivery == "email",
            Gift.deliver_on <= today,
            PrepaidCard.activated_at.is_not(None),
            PrepaidCard.redeemed_at.is_(None),
            IS_WORTH_SOMETHING,
        )
    )
    return list(session.scalars(query.order_by(Gift.id)))


def mark_sent(session: Session, gift_id: int, reissue: int, at: datetime) -> None:
    """The gift was mailed, or printed by who gives it, with the code of this reissue: none that was replaced meanwhile."""
    present = select(PrepaidCard.id).where(PrepaidCard.reissue == reissue)
    session.execute(update(Gift).where(Gift.id == gift_id, Gift.card_id.in_(present)).values(sent_at=at))


def mark_opened(session: Session, card_id: int, at: datetime) -> None:
    """Somebody entered the card's code; the first time counts, and a card that is no gift has nothing to note."""
    session.execute(update(Gift).where(Gift.card_id == card_id, Gift.opened_at.is_(None)).values(opened_at=at))


def correct_address(session: Session, gift_id: int, bought_by: int, recipient_email: str, *, keys: Keys) -> None:
    """Send the gift to another address under a new code, which ends the old one: it is due again at once.

    Raises NoSuchGift, also for somebody else's, and AlreadyRedeemed.
    """
    card_id = session.scalar(
        select(Gift.card_id)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .where(Gift.id == gift_id, PrepaidCard.bought_by == bought_by)
    )
    if card_id is None:
        raise NoSuchGift(gift_id)
    reissue(session, card_id, keys=keys)
    address = {"delivery": "email", "recipient_email": recipient_email}
    session.execute(update(Gift).where(Gift.id == gift_id).values(**address, sent_at=None, opened_at=None))


def _state(gift: Gift, card: PrepaidCard) -> str:
    if not card.worth_cents:
        return REFUNDED
    if card.redeemed_at:
        return REDEEMED
    if gift.opened_at:
        return OPENED
    return SENT if gift.sent_at else WAITING
