"""Activation: a card was sold, and from now on it is worth its credit."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.ledger.chart import UNREDEEMED_CARDS
from store.ledger.post import Entry, lock_wallet, transfer
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.redeem import credit


def activate(
    session: Session, *, reference: str, funded_by: str, key: str, at: datetime, wallet_id: int | None = None
) -> None:
    """Note that the card of this reference was paid for from the account `funded_by`; repeated, nothing more happens.

    A card for oneself is credited to `wallet_id` at once. Any other is owed to whoever will enter its code.
    """
    card = session.scalars(select(PrepaidCard).where(PrepaidCard.reference == reference).with_for_update()).one()
    if card.activated_at:
        return
    card.activated_at = at
    if card.purpose == "self":
        if wallet_id is None:
            raise ValueError("a card for oneself needs its wallet")
        credit(session, card, lock_wallet(session, wallet_id), funded_by=funded_by, key=key, at=at)
        return
    transfer(
        session,
        [Entry(funded_by, UNREDEEMED_CARDS, card.price_cents)],
        kind="card_sold",
        key=key,
        reference=reference,
        currency=card.currency,
        at=at,
    )
