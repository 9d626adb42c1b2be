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

    lot_id: int
    last4: str
    is_bonus: bool
    initial_cents: int
    remaining_cents: int
    expires_at: datetime | None

    @property
    def place(self) -> tuple[bool, int]:
        """Where it stands in the list: whether it is empty, and its id."""
        return self.remaining_cents == 0, self.lot_id


def tickets_of(
    session: Session, wallet_id: int, after: tuple[bool, int] | None = None, limit: int | None = None
) -> list[Ticket]:
    """The wallet's lots with the number of the card that each came from, those with credit first, then the youngest.

    `after` is the place of a ticket: those behind it are given, at most `limit` of them.
    """
    lots = lots_of(session, wallet_id, after=after, limit=limit)
    numbers = card_numbers(session, wallet_id, {lot.reference for lot in lots})
    return [
        Ticket(lot.id, numbers.get(lot.reference, ""), lot.kind == "bonus", lot.initial, lot.remaining, lot.expires_at)
        for lot in lots
    ]


def card_numbers(session: Session, wallet_id: int, references: Collection[str] | None = None) -> dict[str, str]:
    """The last four symbols of the wallet's cards, all or those of these references, by the reference of their lots."""
    cards = select(PrepaidCard.reference, PrepaidCard.last4).where(PrepaidCard.wallet_id == wallet_id)
    if references is not None:
        cards = cards.where(PrepaidCard.reference.in_(references))
    return {row.reference: row.last4 for row in session.execute(cards)}


def describe(session: Session, references: Iterable[str]) -> dict[str, PrepaidCard]:
    """The cards behind those of a statement's references that are cards."""
    cards = session.scalars(select(PrepaidCard).where(PrepaidCard.reference.in_(list(references))))
    return {card.reference: card for card in cards}


def describe_holds(session: Session, journal_ids: Collection[int]) -> dict[int, CardHold]:
    """What set credit aside in these of a statement's journals."""
    holds = session.scalars(select(CardHold).where(CardHold.journal_id.in_(journal_ids))) if journal_ids else ()
    return {held.journal_id: held for held in holds if held.journal_id is not None}
