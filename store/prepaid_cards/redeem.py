"""Redemption: a card's value moves into a wallet, once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock
from store.ledger.balance import credit_of, first_worth_of
from store.ledger.chart import PROMOTIONS, UNREDEEMED_CARDS
from store.ledger.post import LockedWallet, NewLot, deposit, lock_wallet
from store.prepaid_cards.codes import Keys, digests_of
from store.prepaid_cards.models import IS_WORTH_SOMETHING, PrepaidCard
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.stop import stop_at


class Unredeemable(Exception):
    """No card can be redeemed by this code: there is none, or it was used, reissued, refunded or not sold yet. Nobody is told
    which."""


@dataclass(frozen=True)
class Redeemed:
    """What a card gave a wallet: cents of credit, how many of them are bonus, and until when that bonus lives."""

    last4: str
    credit_cents: int
    bonus_cents: int
    bonus_expires_at: datetime


def redeem(session: Session, code: str, wallet_id: int, *, keys: Keys, at: datetime) -> int:
    """Put the credit of this code's card into the wallet; returns the card's id.

    One query finds nothing to redeem, for whatever reason, and takes as long for each. It locks the card, so that of two
    who enter one code the second finds nothing. Raises Unredeemable, and WalletFull, after which the code stays good.
    """
    card = session.scalar(
        select(PrepaidCard)
        .where(
            PrepaidCard.lookup_digest.in_(digests_of(keys, code)),
            PrepaidCard.activated_at.is_not(None),
            PrepaidCard.redeemed_at.is_(None),
            IS_WORTH_SOMETHING,
        )
        .with_for_update(key_share=True)
    )
    if card is None:
        raise Unredeemable
    stop_at("redeem.card_locked")
    wallet = lock_wallet(session, wallet_id)
    stop_at("redeem.wallet_locked")
    if wallet.currency != card.currency:
        raise Unredeemable
    room = WALLET_LIMIT_CENTS - credit_of(session, wallet_id, at)
    if card.worth_cents > room:
        raise WalletFull(room)
    card.redeemed_at, card.wallet_id = at, wallet.id
    credit(session, card, wallet, funded_by=UNREDEEMED_CARDS, key=f"card:{card.id}:redemption", at=at)
    stop_at("redeem.credited")
    return card.id


def redeemed_into(session: Session, card_id: int, wallet_id: int) -> Redeemed | None:
    """What this card gave this wallet; None for a card that went elsewhere or nowhere."""
    card = session.scalar(select(PrepaidCard).where(PrepaidCard.id == card_id, PrepaidCard.wallet_id == wallet_id))
    if card is None or card.redeemed_at is None:
        return None
    paid_cents, bonus_cents = first_worth_of(session, wallet_id, card.reference)
    bonus_end = clock.last_second_in_a_year(card.redeemed_at)
    return Redeemed(card.last4, paid_cents + bonus_cents, bonus_cents, bonus_end)


def credit(
    session: Session,
    card: PrepaidCard,
    wallet: LockedWallet,
    *,
    funded_by: str,
    key: str,
    at: datetime,
    sale_vat: int = 0,
) -> None:
    """Put a card's value into a wallet: what was paid, for good, and the rest as bonus for twelve months.

    `sale_vat` is the VAT, in cents, that is due because it is sold just now.
    """
    lots = [NewLot("paid", card.paid_left_cents, funded_by, vat_cents=card.vat_cents)]
    if card.bonus_left_cents:
        lots.append(NewLot("bonus", card.bonus_left_cents, PROMOTIONS, clock.last_second_in_a_year(at)))
    deposit(session, wallet, lots, kind="card", key=key, reference=card.reference, at=at, sale_vat=sale_vat)
