"""Reissue: a new code for a card, which ends the old one."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import Keys
from store.prepaid_cards.imprint import imprint
from store.prepaid_cards.models import PrepaidCard


class AlreadyRedeemed(Exception):
    """The card's credit is in a wallet, or was paid back: there is nothing left that a code could be for."""


def reissue(session: Session, card_id: int, *, keys: Keys) -> PrepaidCard:
    """The card with its new code, made with the key in use now. Raises AlreadyRedeemed, also for a card for oneself."""
    card = session.scalars(select(PrepaidCard).where(PrepaidCard.id == card_id).with_for_update(key_share=True)).one()
    if card.redeemed_at or not card.worth_cents or card.purpose == "self":
        raise AlreadyRedeemed(card_id)
    card.reissue += 1
    imprint(keys, card)
    return card
