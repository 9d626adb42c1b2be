"""Issuance: a card comes to be, worth nothing until it is activated."""

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import ALPHABET, Keys
from store.prepaid_cards.gifts import GiftWish, wrap
from store.prepaid_cards.imprint import imprint
from store.prepaid_cards.models import PrepaidCard


def issue_for_order(
    session: Session,
    *,
    reference: str,
    purpose: str,
    price_cents: int,
    credit_cents: int,
    currency: str,
    bought_by: int,
    at: datetime,
    keys: Keys,
    gift: GiftWish | None = None,
) -> PrepaidCard:
    """The card of an order that was placed, for oneself (`self`), as a `gift` or for the pool (`suspended`).

    Repeated for the same reference it is the same card.
    """
    earlier = session.scalar(select(PrepaidCard).where(PrepaidCard.reference == reference))
    if earlier:
        return earlier
    card = PrepaidCard(
        reference=reference,
        purpose=purpose,
        price_cents=price_cents,
        credit_cents=credit_cents,
        currency=currency,
        last4="".join(secrets.choice(ALPHABET) for _ in range(4)),
        issued_at=at,
        bought_by=bought_by,
    )
    session.add(card)
    session.flush()
    if purpose != "self":
        imprint(keys, card)
    if gift:
        wrap(session, card.id, gift)
    return card
