"""Batches: cards issued together, to be printed. A stolen stack is worth nothing until its cards are sold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from store.prepaid_cards.codes import Keys
from store.prepaid_cards.imprint import code_on, marks_of
from store.prepaid_cards.models import CardBatch, Denomination, PrepaidCard

LARGEST = 10_000


@dataclass(frozen=True)
class PrintedCard:
    """What stands on a printed card: its serial, its twenty symbols, its price and its credit in cents."""

    serial: str
    code: str
    price_cents: int
    credit_cents: int


def open_batch(session: Session, denomination: Denomination, count: int, at: datetime) -> CardBatch:
    """A batch of cards of this denomination, none of them issued yet."""
    batch = CardBatch(
        denomination=denomination.code,
        price_cents=denomination.price_cents,
        credit_cents=denomination.credit_cents,
        count=count,
        made_at=at,
    )
    session.add(batch)
    session.flush()
    return batch


def issue_cards(
    session: Session, batch: CardBatch, serials: Iterable[int], *, currency: str, keys: Keys, vat_mode: str = "multi"
) -> None:
    """Issue the cards of the batch that bear these numbers, from 1 to its count."""
    new = {
        "purpose": "batch",
        "price_cents": batch.price_cents,
        "credit_cents": batch.credit_cents,
        "currency": currency,
        "last4": "",
        "issued_at": batch.made_at,
        "reissue": 0,
        "batch_id": batch.id,
        "vat_mode": vat_mode,
    }
    card_ids = session.scalars(
        insert(PrepaidCard).returning(PrepaidCard.id),
        [{**new, "reference": f"batch:{batch.id}/{serial}"} for serial in serials],
    )
    session.execute(update(PrepaidCard), [{"id": card_id, **marks_of(keys, card_id, 0)} for card_id in card_ids])


def printed_cards(session: Session, batch_id: int, *, keys: Keys) -> Iterator[PrintedCard]:
    """The cards of a batch with their codes, in the order of their numbers."""
    cards = session.scalars(select(PrepaidCard).where(PrepaidCard.batch_id == batch_id))
    for card in sorted(cards, key=_number):
        serial = f"B{batch_id}-{_number(card):05}"
        yield PrintedCard(serial, code_on(keys, card), card.price_cents, card.credit_cents)


def _number(card: PrepaidCard) -> int:
    return int(card.reference.rpartition("/")[2])
