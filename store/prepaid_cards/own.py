"""A customer's cards: what each gave and what is left of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.ledger.balance import lots_of
from store.prepaid_cards.models import CardHold, PrepaidCard


@dataclass(frozen=True)
class Ticket:
    """One lot of one card, drawn as a ticket; sums in cents."""

    last4: str
    is_bonus: bool
    initial_cents: int
    remaining_cents: int
    expires_at: datetime | None


def tickets_of(session: Session, wallet_id: int) -> list[Ticket]:
    """The wallet's lots with the number of the card that each came from, those with credit first."""
    numbers = card_numbers(session, wallet_id)
    return [
        Ticket(numbers.get(lot.reference, ""), lot.kind == "bonus", lot.initial, lot.remaining, lot.expires_at)
        for lot in lots_of(session, wallet_id)
    ]


def card_numbers(session: Session, wallet_id: int) -> dict[str, str]:
    """The last four symbols of each card of the wallet, by the reference of its lots."""
    rows = session.execute(select(PrepaidCard.reference, PrepaidCard.last4).where(PrepaidCard.wallet_id == wallet_id))
    return {row.reference: row.last4 for row in rows}


def describe(session: Session, references: Iterable[str]) -> dict[str, PrepaidCard]:
    """The cards behind those of a statement's references that are cards."""
    cards = session.scalars(select(PrepaidCard).where(PrepaidCard.reference.in_(list(references))))
    return {card.reference: card for card in cards}


def describe_holds(session: Session, journal_ids: Collection[int]) -> dict[int, CardHold]:
    """What set credit aside in these of a statement's journals."""
    holds = session.scalars(select(CardHold).where(CardHold.journal_id.in_(journal_ids))) if journal_ids else ()
    return {held.journal_id: held for held in holds if held.journal_id is not None}
