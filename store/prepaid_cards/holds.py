"""Taking a card's value back: held first, where nobody can spend it, then given up to an account, or released again.

A refund, a withdrawal and a bank's dispute all do this; `cause` names the one that does (`refund:5`, `dispute:2`). A redeemed
card's value lies in its lots, whoever's wallet holds them; of one that nobody redeemed yet it is still owed to its code.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from store import clock
from store.ledger.balance import left_of, voucher_vat_of
from store.ledger.chart import HELD_BONUS, HELD_VALUE, PROMOTIONS, UNREDEEMED_CARDS, VAT_COLLECTED, VOUCHER_VAT
from store.ledger.post import Entry, LockedWallet, NewLot, deposit, hold, lock_wallets, reverse, transfer
from store.money import portion_of
from store.prepaid_cards.models import CardHold, PrepaidCard

HELD, RELEASED, GIVEN_UP = "held", "released", "given_up"


def lock_cards(session: Session, references: Iterable[str]) -> list[PrepaidCard]:
    """The cards that were sold, and the wallets that hold them, locked until the transaction ends, in the order of their ids.

    What was read of them before is read again: somebody may have redeemed or refunded one meanwhile.
    """
    sold = select(PrepaidCard).where(PrepaidCard.reference.in_(list(references)), PrepaidCard.activated_at.is_not(None))
    cards = list(session.scalars(_locked_anew(sold)))
    _lock_wallets_of(session, cards)
    return cards


def left_on(session: Session, card: PrepaidCard, at: datetime) -> int:
    """The paid cents of the card that can be taken back: neither spent, nor held, nor taken before."""
    if card.wallet_id is None:
        return card.price_cents - card.taken_cents if card.activated_at else 0
    paid, _bonus = left_of(session, card.wallet_id, card.reference, at)
    return paid


def hold_cards(
    session: Session, cards: Sequence[PrepaidCard], cents: int, *, cause: str, at: datetime, with_bonus: bool = False
) -> int:
    """Set up to `cents` of what is left on the cards aside; returns how many were there.

    Bonus goes with what it came with: as much of it is held as the price that remains no longer earns, all of it
    `with_bonus`. The cards come from `lock_cards`; those whose code nobody has used go first.
    """
    wallets = _lock_wallets_of(session, cards)
    missing = cents
    for card in sorted(cards, key=lambda card: (card.wallet_id is not None, card.id)):
        part = min(left_on(session, card, at), missing)
        if card.wallet_id is None:
            _hold_unredeemed(session, card, part, cause, at)
        else:
            _hold_lots(session, card, wallets[card.wallet_id], part, cause, at, with_bonus and missing > 0)
        missing -= part
    return cents - missing


def give_up(session: Session, cause: str, account: str, at: datetime) -> int:
    """What `cause` holds goes to `account` for good, its bonus back to the promotion; returns the paid cents.

    The VAT that was booked at the sale of it is due no longer.
    """
    cents = 0
    for held in _holds(session, cause, HELD):
        _transfer(session, held, "settled", _given_up(held, account), at)
        held.state, held.ended_at = GIVEN_UP, at
        cents += held.paid_cents
    return cents


def take_again(session: Session, cause: str, account: str, at: datetime) -> None:
    """What was given up to `account` came back after all: it is held again, and can be released."""
    for held in _holds(session, cause, GIVEN_UP):
        taken_again = [
            Entry(entry.credit_account, entry.debit_account, entry.amount) for entry in _given_up(held, account)
        ]
        _transfer(session, held, "returned", taken_again, at)
        held.state = HELD


def release(session: Session, cause: str, at: datetime) -> int:
    """What `cause` holds goes back to where it came from; returns the paid cents."""
    holds = _holds(session, cause, HELD)
    by_id = select(PrepaidCard).where(PrepaidCard.id.in_([held.card_id for held in holds]))
    cards = {card.id: card for card in session.scalars(_locked_anew(by_id))}
    wallets = _lock_wallets_of(session, cards.values())
    for held in holds:
        card = cards[held.card_id]
        bonus_before, card.taken_cents = card.bonus_left_cents, card.taken_cents - held.paid_cents
        if card.wallet_id is None:
            if card.vat_cents is not None:
                card.vat_cents += held.vat_cents
            _transfer(session, held, "release", [Entry(HELD_VALUE, UNREDEEMED_CARDS, held.paid_cents)], at)
        elif held.journal_id is not None:
            wallet = wallets[card.wallet_id]
            reverse(session, wallet, held.journal_id, kind="release", key=f"hold:{held.id}:release", at=at)
        else:
            bonus = card.bonus_left_cents - bonus_before
            _credit_after_redemption(session, card, wallets[card.wallet_id], held, bonus, at)
        held.state, held.ended_at = RELEASED, at
    return sum(held.paid_cents for held in holds)


def taken_by(session: Session, cause: str) -> dict[int, int]:
    """The paid cents that `cause` holds, or has given up, of each card, by the card's id."""
    cents: dict[int, int] = {}
    for held in _holds(session, cause, HELD, GIVEN_UP):
        cents[held.card_id] = cents.get(held.card_id, 0) + held.paid_cents
    return cents


def vat_taken_by(session: Session, cause: str) -> int:
    """The VAT within that, in cents, that was booked at the sale of single-purpose cards."""
    return sum(held.vat_cents for held in _holds(session, cause, HELD, GIVEN_UP))


def _hold_unredeemed(session: Session, card: PrepaidCard, cents: int, cause: str, at: datetime) -> None:
    """Its code is worth so much less, and nothing at all once everything was taken; its bonus comes with redemption alone."""
    if not cents:
        return
    held = _open_hold(session, card, cents, 0, cause, at)
    if card.vat_cents is not None:
        held.vat_cents = portion_of(card.vat_cents, cents, card.paid_left_cents)
        card.vat_cents -= held.vat_cents
    card.taken_cents += cents
    _transfer(session, held, "hold", [Entry(UNREDEEMED_CARDS, HELD_VALUE, cents)], at)


def _hold_lots(
    session: Session, card: PrepaidCard, wallet: LockedWallet, cents: int, cause: str, at: datetime, with_bonus: bool
) -> None:
    _paid, bonus_left = left_of(session, wallet.id, card.reference, at)
    card.taken_cents += cents
    bonus = bonus_left if with_bonus else max(0, bonus_left - card.bonus_left_cents)
    if not cents and not bonus:
        return
    held = _open_hold(session, card, cents, bonus, cause, at)
    held.journal_id = hold(
        session,
        wallet,
        cents,
        bonus=bonus,
        kind="hold",
        key=f"hold:{held.id}",
        reference=card.reference,
        at=at,
    )
    if card.vat_cents is not None:
        held.vat_cents = voucher_vat_of(session, held.journal_id)


def _credit_after_redemption(
    session: Session, card: PrepaidCard, wallet: LockedWallet, held: CardHold, bonus: int, at: datetime
) -> None:
    """The card was redeemed for the rest while this was held: it follows into the same wallet, with the bonus that it earns."""
    vat_cents = None if card.vat_cents is None else held.vat_cents
    lots = [NewLot("paid", held.paid_cents, HELD_VALUE, vat_cents=vat_cents)]
    if bonus:
        lots.append(NewLot("bonus", bonus, PROMOTIONS, clock.last_second_in_a_year(at)))
    deposit(session, wallet, lots, kind="release", key=f"hold:{held.id}:release", reference=card.reference, at=at)


def _open_hold(session: Session, card: PrepaidCard, cents: int, bonus: int, cause: str, at: datetime) -> CardHold:
    held = CardHold(
        cause=cause,
        card_id=card.id,
        card_reference=card.reference,
        currency=card.currency,
        paid_cents=cents,
        bonus_cents=bonus,
        vat_cents=0,
        state=HELD,
        held_at=at,
    )
    session.add(held)
    session.flush()
    return held


def _holds(session: Session, cause: str, *states: str) -> list[CardHold]:
    asked = select(CardHold).where(CardHold.cause == cause, CardHold.state.in_(states))
    return list(session.scalars(asked.order_by(CardHold.id).with_for_update(key_share=True)))


def _locked_anew(cards: Select[PrepaidCard]) -> Select[PrepaidCard]:
    return cards.order_by(PrepaidCard.id).with_for_update(key_share=True).execution_options(populate_existing=True)


def _lock_wallets_of(session: Session, cards: Iterable[PrepaidCard]) -> dict[int, LockedWallet]:
    return lock_wallets(session, (card.wallet_id for card in cards if card.wallet_id is not None))


def _given_up(held: CardHold, account: str) -> list[Entry]:
    entries = (
        Entry(HELD_VALUE, account, held.paid_cents),
        Entry(HELD_BONUS, PROMOTIONS, held.bonus_cents),
        Entry(VAT_COLLECTED, VOUCHER_VAT, held.vat_cents),
    )
    return [entry for entry in entries if entry.amount]


def _transfer(session: Session, held: CardHold, step: str, entries: Sequence[Entry], at: datetime) -> None:
    transfer(
        session,
        entries,
        kind=f"hold_{step}" if step != "hold" else "hold",
        key=f"hold:{held.id}:{step}",
        reference=held.card_reference,
        currency=held.currency,
        at=at,
    )
