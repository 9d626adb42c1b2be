"""Activation: a card that was paid becomes credit in a wallet."""

import secrets
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from store import clock
from store.ledger.chart import PROMOTIONS
from store.ledger.post import NewLot, deposit, lock_wallet
from store.prepaid_cards.models import PrepaidCard

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WALLET_LIMIT_CENTS = 250_00
"""What a wallet may hold when a card is ordered. What was paid is credited all the same."""


def activate(
    session: Session,
    *,
    wallet_id: int,
    price_cents: int,
    credit_cents: int,
    funded_by: str,
    key: str,
    reference: str,
    at: datetime,
) -> None:
    """Put a card's credit into the wallet: what was paid, for good, and the rest as bonus for twelve months."""
    session.execute(
        insert(PrepaidCard).values(
            reference=reference,
            wallet_id=wallet_id,
            price_cents=price_cents,
            credit_cents=credit_cents,
            last4="".join(secrets.choice(CROCKFORD) for _ in range(4)),
            activated_at=at,
        )
    )
    lots = [NewLot("paid", price_cents, funded_by)]
    if credit_cents > price_cents:
        expires_at = clock.last_second_in_a_year(at)
        lots.append(NewLot("bonus", credit_cents - price_cents, PROMOTIONS, expires_at))
    deposit(session, lock_wallet(session, wallet_id), lots, kind="card", key=key, reference=reference, at=at)
