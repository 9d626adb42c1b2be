"""Activation: cards were sold, and from now on they are worth their credit."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from store.ledger.chart import UNREDEEMED_CARDS
from store.ledger.post import Entry, lock_wallet, transfer, vat_at_sale
from store.money import vat_within
from store.prepaid_cards.models import SINGLE_PURPOSE, PrepaidCard
from store.prepaid_cards.redeem import credit

OWN = PrepaidCard.purpose == "self"


def activate(
    session: Session, keys: Mapping[str, str], *, funded_by: str, at: datetime, wallet_id: int | None = None
) -> list[PrepaidCard]:
    """Note that cards were paid for from the account `funded_by`; returns those that were not, before: none, if repeated.

    `keys` names each card by its reference, and gives the idempotency key under which the ledger knows its sale. Cards
    for oneself are credited to `wallet_id` at once. Any other is owed to whoever will enter its code. The VAT of single-purpose
    cards is booked, at the rate of this day.
    """
    cards = _mark_sold(session, keys, at, wallet_id)
    wallet = None
    if any(card.purpose == "self" for card in cards):
        if wallet_id is None:
            raise ValueError("a card for oneself needs its wallet")
        wallet = lock_wallet(session, wallet_id)
    for card in cards:
        if card.vat_mode == SINGLE_PURPOSE:
            card.vat_cents = vat_within(card.price_cents, current_app.config["SHOP_VAT_PERCENT"])
        if wallet and card.purpose == "self":
            key, vat_cents = keys[card.reference], card.vat_cents or 0
            credit(session, card, wallet, funded_by=funded_by, key=key, at=at, sale_vat=vat_cents)
        else:
            _owe(session, card, funded_by=funded_by, key=keys[card.reference], at=at)
    return cards


def _mark_sold(session: Session, references: Collection[str], at: datetime, wallet_id: int | None) -> list[PrepaidCard]:
    """Those of the cards that nobody sold before, locked, by one statement; own ones are redeemed as they are sold."""
    named = PrepaidCard.reference.in_(references)
    changes: dict[str, Any] = {"activated_at": at}
    if wallet_id is not None:
        changes |= {"redeemed_at": case((OWN, at)), "wallet_id": case((OWN, wallet_id))}
    unsold = update(PrepaidCard).where(named, PrepaidCard.activated_at.is_(None))
    cards = session.scalars(unsold.values(**changes).returning(PrepaidCard)).all()
    if len(cards) < len(references):
        _require_issued(session, references)
    return sorted(cards, key=lambda card: card.id)


def _require_issued(session: Session, references: Collection[str]) -> None:
    issued = session.scalars(select(func.count(PrepaidCard.id)).where(PrepaidCard.reference.in_(references))).one()
    if issued < len(references):
        raise LookupError(f"of {len(references)} cards that were paid for, {issued} were issued")


def _owe(session: Session, card: PrepaidCard, *, funded_by: str, key: str, at: datetime) -> None:
    transfer(
        session,
        [Entry(funded_by, UNREDEEMED_CARDS, card.price_cents), *vat_at_sale(card.vat_cents or 0)],
        kind="card_sold",
        key=key,
        reference=card.reference,
        currency=card.currency,
        at=at,
    )
