"""Withdrawal: within fourteen days a customer gives a card back, and what is unspent of it goes where the money came from.

In two steps, with a dated acknowledgement on a durable medium (Directive 2011/83/EU, article 11a, as of 2023/2673; Code de la
consommation, L221-18 and following). Bonus that was not spent ends with its card.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, String, cast, literal, or_, select
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Dispute, Refund
from store.checkout.refund import NothingToRefund, lock_order, reserve
from store.customers.models import Customer
from store.jobs.enqueue import enqueue
from store.ledger.balance import is_frozen, left_of_each
from store.ledger.post import lock_wallet
from store.prepaid_cards.holds import lock_cards
from store.prepaid_cards.models import CardHold, PrepaidCard

WITHDRAWAL_DAYS = 17
"""The law's fourteen, and three more: so no weekend and no holiday at their end has to be counted, which the law skips."""


class Owes(Exception):
    """Who owes for a card that was refunded after it was spent settles that before giving another back."""


class CannotWithdraw(Exception):
    """This card cannot be given back: it is somebody else's, too old, spent, used by whom it was given to, or disputed."""


@dataclass(frozen=True)
class Withdrawable:
    """A card that can be given back: what goes back, what was spent and what bonus ends, in cents, and the last day to do it."""

    card: PrepaidCard
    order_id: int
    cents: int
    spent_cents: int
    bonus_cents: int
    last_day: date


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal that came in: its refund, the bonus that ended with it, in cents, and the card that it ended."""

    refund: Refund
    bonus_cents: int
    last4: str
    price_cents: int


def withdrawable(
    session: Session, customer_id: int, at: datetime, *, before_id: int | None = None, limit: int | None = None
) -> tuple[list[Withdrawable], int | None]:
    """The cards that this customer may give back now, youngest first, of at most `limit` that were bought lately.

    With them comes the id of the card before which there may be more, if the limit was reached.
    """
    recent = _bought_by(customer_id, at).order_by(PrepaidCard.id.desc()).limit(limit)
    if before_id is not None:
        recent = recent.where(PrepaidCard.id < before_id)
    cards = session.scalars(recent).all()
    disputed = _disputed(session, [order_id_of(card) for card in cards])
    offers = _offers(session, [card for card in cards if order_id_of(card) not in disputed], at)
    return [offer for offer in offers if offer.cents], cards[-1].id if cards and len(cards) == limit else None


def find_withdrawable(session: Session, customer_id: int, card_id: int, at: datetime) -> Withdrawable:
    """The one card. Raises CannotWithdraw, also for somebody else's, and Owes."""
    card = session.scalar(_bought_by(customer_id, at).where(PrepaidCard.id == card_id))
    if card is None or _disputed(session, [order_id_of(card)]):
        raise CannotWithdraw(card_id)
    [offer] = _offers(session, [card], at)
    if not offer.cents:
        raise CannotWithdraw(card_id)
    if is_frozen(session, _own_wallet(session, customer_id)):
        raise Owes(customer_id)
    return offer


def withdraw(session: Session, customer_id: int, card_id: int, at: datetime) -> int:
    """End the card and reserve the refund of all that is left of it; returns the refund's id. Raises CannotWithdraw, Owes.

    The acknowledgement is enqueued here: it says when the withdrawal came in, whatever becomes of the refund.
    """
    named = select(PrepaidCard.reference).where(PrepaidCard.id == card_id, PrepaidCard.bought_by == customer_id)
    reference = session.scalar(named)
    if reference is None:
        raise CannotWithdraw(card_id)
    lock_order(session, int(reference.split(":")[1]))
    lock_cards(session, [reference])
    lock_wallet(session, _own_wallet(session, customer_id))  # whoever freezes it has to wait
    offer = find_withdrawable(session, customer_id, card_id, at)
    try:
        refund_id = reserve(
            session, offer.order_id, None, origin="withdrawal", at=at, references=[offer.card.reference]
        )
    except NothingToRefund:
        raise CannotWithdraw(card_id) from None
    enqueue(session, "checkout.mail_withdrawal", {"refund_id": refund_id})
    return refund_id


def withdrawal_of(session: Session, customer_id: int, card_id: int, refund_id: int | None = None) -> Withdrawal | None:
    """The customer's withdrawal from a card, the last one or that of a refund; None if there was none, or none of theirs."""
    asked = (
        select(Refund, CardHold.bonus_cents, PrepaidCard.last4, PrepaidCard.price_cents)
        .join(CardHold, CardHold.cause == literal("refund:").concat(cast(Refund.id, String)))
        .join(PrepaidCard, PrepaidCard.id == CardHold.card_id)
        .where(Refund.origin == "withdrawal", PrepaidCard.id == card_id, PrepaidCard.bought_by == customer_id)
        .order_by(Refund.id.desc())
        .limit(1)
    )
    row = session.execute(asked if refund_id is None else asked.where(Refund.id == refund_id)).first()
    return Withdrawal(*row) if row else None


def order_id_of(card: PrepaidCard) -> int:
    """The order that a card was bought with."""
    return int(card.reference.split(":")[1])


def _own_wallet(session: Session, customer_id: int) -> int:
    return session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one()


def _bought_by(customer_id: int, at: datetime) -> Select[PrepaidCard]:
    """Sold lately, and still with who bought it: in their own wallet, or with a code that nobody has used or was handed."""
    own_wallet = select(Customer.wallet_id).where(Customer.id == customer_id).scalar_subquery()
    first_day = at.astimezone(clock.shop_zone()).date() - timedelta(days=WITHDRAWAL_DAYS)
    return select(PrepaidCard).where(
        PrepaidCard.bought_by == customer_id,
        PrepaidCard.activated_at >= clock.start_of(first_day),
        PrepaidCard.handed_out_at.is_(None),
        or_(PrepaidCard.wallet_id.is_(None), PrepaidCard.wallet_id == own_wallet),
    )


def _disputed(session: Session, order_ids: Collection[int]) -> set[int]:
    """Of these orders, those whose money a bank has pulled back."""
    asked = select(Dispute.order_id).where(Dispute.order_id.in_(order_ids), Dispute.state != "won")
    return set(session.scalars(asked)) if order_ids else set()


def _offers(session: Session, cards: Sequence[PrepaidCard], at: datetime) -> list[Withdrawable]:
    """What each would give back: of a redeemed card what is left in its lots, of the others what was not taken from them."""
    lots: dict[str, tuple[int, int]] = {}
    for wallet_id in {card.wallet_id for card in cards if card.wallet_id is not None}:  # one: who bought them has them
        lots |= left_of_each(session, wallet_id, [card.reference for card in cards], at)
    return [
        _offer(card, *(lots.get(card.reference, (0, 0)) if card.wallet_id else (card.paid_left_cents, 0)))
        for card in cards
    ]


def _offer(card: PrepaidCard, cents: int, bonus: int) -> Withdrawable:
    sold_on = (card.activated_at or card.issued_at).astimezone(clock.shop_zone()).date()
    return Withdrawable(
        card=card,
        order_id=order_id_of(card),
        cents=cents,
        spent_cents=card.paid_left_cents - cents,
        bonus_cents=bonus,
        last_day=sold_on + timedelta(days=WITHDRAWAL_DAYS),
    )
