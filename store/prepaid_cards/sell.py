"""Selling a printed card over the counter: its code becomes worth something."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.ledger.chart import TILL
from store.prepaid_cards.activate import activate
from store.prepaid_cards.codes import Keys, digests_of
from store.prepaid_cards.models import PrepaidCard


class NotPrinted(Exception):
    """No printed card has this code."""


class AlreadySold(Exception):
    """The card was sold before."""


def sell(session: Session, code: str, *, keys: Keys, at: datetime, funded_by: str = TILL) -> PrepaidCard:
    """Activate the printed card of this code, paid into the account `funded_by`. Raises NotPrinted, AlreadySold."""
    card = session.scalar(
        select(PrepaidCard)
        .where(PrepaidCard.lookup_digest.in_(digests_of(keys, code)), PrepaidCard.purpose == "batch")
        .with_for_update(key_share=True)
    )
    if card is None:
        raise NotPrinted
    if card.activated_at:
        raise AlreadySold
    activate(session, {card.reference: f"card:{card.id}:sale"}, funded_by=funded_by, at=at)
    return card
