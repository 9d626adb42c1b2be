"""Issuance: a card comes to be, worth nothing until it is activated."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import ALPHABET, Keys
from store.prepaid_cards.gifts import GiftWish, wrap
from store.prepaid_cards.imprint import imprint
from store.prepaid_cards.models import PrepaidCard


def issue_for_order(
    session: Session,
    *,
    references: Sequence[str],
    purpose: str,
    price_cents: int,
    credit_cents: int,
    currency: str,
    bought_by: int,
    at: datetime,
    keys: Keys,
    gifts: Sequence[GiftWish] = (),
    vat_mode: str = "multi",
) -> list[PrepaidCard]:
    """The cards of an order that was placed, for oneself (`self`), as gifts (`gift`) or for the pool (`suspended`).

    They are alike, one for each reference; price and credit, in cents, are those of one card. `gifts` says to whom each
    goes, in the same order; `vat_mode` says when they are taxed, for good. Repeated for the same references they are the same cards.
    """
    earlier = session.scalars(
        select(PrepaidCard).where(PrepaidCard.reference.in_(references)).order_by(PrepaidCard.id)
    ).all()
    if earlier:
        return list(earlier)
    new = {
        "purpose": purpose,
        "price_cents": price_cents,
        "credit_cents": credit_cents,
        "currency": currency,
        "issued_at": at,
        "bought_by": bought_by,
        "vat_mode": vat_mode,
    }
    issued = session.scalars(
        insert(PrepaidCard).returning(PrepaidCard),
        [{**new, "reference": reference, "last4": _any_four_symbols()} for reference in references],
    )
    cards = sorted(issued, key=lambda card: references.index(card.reference))
    if purpose != "self":
        for card in cards:
            imprint(keys, card)
    if gifts:
        wrap(session, {card.id: gift for card, gift in zip(cards, gifts, strict=True)})
    return cards


def _any_four_symbols() -> str:
    """What is shown of a card without a code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(4))
