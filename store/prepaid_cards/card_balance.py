"""What is left on a card, for whoever holds its code."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import Keys, digests_of
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import PrepaidCard


@dataclass(frozen=True)
class CardBalance:
    """A sold card and the cents that its code still gives: all of its credit, or 0 once it was used."""

    card_id: int
    reissue: int
    last4: str
    credit_cents: int
    left_cents: int


def balance_of(session: Session, code: str, *, keys: Keys) -> CardBalance | None:
    """What this code's card holds; None, by one query, if there is no such card, or none that was sold."""
    card = session.scalar(
        select(PrepaidCard).where(
            PrepaidCard.lookup_digest.in_(digests_of(keys, code)), PrepaidCard.activated_at.is_not(None)
        )
    )
    if card is None:
        return None
    left_cents = 0 if card.redeemed_at else card.worth_cents
    return CardBalance(card.id, card.reissue, card.last4, card.credit_cents, left_cents)


def code_entered(session: Session, card_id: int, reissue: int, *, keys: Keys) -> str | None:
    """The code of this reissue of a card, for who entered it a moment ago; None once it was used or replaced."""
    card = session.scalar(
        select(PrepaidCard).where(
            PrepaidCard.id == card_id, PrepaidCard.reissue == reissue, PrepaidCard.redeemed_at.is_(None)
        )
    )
    return code_on(keys, card) if card else None
