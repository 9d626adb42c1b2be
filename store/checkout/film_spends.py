"""What credit was spent on: a customer's rentals and purchases of films, read from the books."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, String, cast, exists, literal, select
from sqlalchemy.orm import Session, aliased

from store.catalogue.models import Film
from store.checkout.shares import Rates, Shares, divide
from store.ledger.balance import Part, parts_of
from store.ledger.chart import VAT_COLLECTED, VOUCHER_VAT
from store.ledger.models import Journal, Lot, Posting
from store.rentals.models import Entitlement
from store.rentals.rent import reference_of

MOST_SPENDS = 100


@dataclass(frozen=True)
class FilmSpend:
    """A film rented or bought with credit: `kind` is `rental` or `purchase`, `cents` its price, `journal_id` its voucher."""

    entitlement_id: int
    journal_id: int
    kind: str
    slug: str
    title: str
    at: datetime
    cents: int
    is_undone: bool


@dataclass(frozen=True)
class FilmMovement:
    """One journal about the film: `cents` are what it added to the credit, or, negative, took."""

    journal_id: int
    kind: str
    at: datetime
    cents: int


@dataclass(frozen=True)
class Source:
    """Cents that came from the credit of one card, paid or offered (`lot_kind` is `paid` or `bonus`)."""

    lot_reference: str
    lot_kind: str
    cents: int


@dataclass(frozen=True)
class FilmReceipt:
    """A film spend whole: its movements, the cards that it was paid from, and how what it cost in the end divides."""

    spend: FilmSpend
    movements: list[FilmMovement]
    sources: list[Source]
    shares: Shares


def dated_spends(customer_id: int) -> Select[datetime, int]:
    """A query for the instant and the entitlement of each of the customer's film spends, to be joined with others."""
    return (
        select(Journal.at, Entitlement.id)
        .join(Journal, Journal.reference == _reference())
        .where(Journal.kind == Entitlement.kind, Entitlement.customer_id == customer_id)
    )


def spends_of(session: Session, customer_id: int, entitlement_ids: Collection[int]) -> dict[int, FilmSpend]:
    """Those of the customer's film spends, by the entitlement that they paid for."""
    rows = session.execute(_SPENDS.where(Entitlement.customer_id == customer_id, Entitlement.id.in_(entitlement_ids)))
    return {row.id: FilmSpend(*row) for row in rows}


def spends_from(session: Session, customer_id: int, lot_references: Collection[str]) -> list[FilmSpend]:
    """What the customer spent the credit of these cards on, youngest first; nobody sees what others spent theirs on."""
    paid_from = exists().where(
        Posting.journal_id == Journal.id,
        Lot.id == Posting.lot_id,
        Lot.reference.in_(lot_references),
    )
    rows = session.execute(
        _SPENDS.where(Entitlement.customer_id == customer_id, paid_from).order_by(Journal.id.desc()).limit(MOST_SPENDS)
    )
    return [FilmSpend(*row) for row in rows]


def film_receipt(
    session: Session, entitlement_id: int, *, customer_id: int, wallet_id: int, rates: Rates
) -> FilmReceipt | None:
    """The customer's spend on this entitlement; None for somebody else's, and for one that cost nothing."""
    spend = spends_of(session, customer_id, [entitlement_id]).get(entitlement_id)
    if spend is None:
        return None
    journals = session.scalars(
        select(Journal).where(Journal.reference == reference_of(entitlement_id)).order_by(Journal.id)
    ).all()
    parts = parts_of(session, wallet_id, [journal.id for journal in journals])
    movements = [
        FilmMovement(journal.id, journal.kind, journal.at, sum(part.amount for part in parts[journal.id]))
        for journal in journals
    ]
    everything = [part for of_a_journal in parts.values() for part in of_a_journal]
    return FilmReceipt(spend, movements, _sources(parts[spend.journal_id]), _shares(everything, rates))


def _reference() -> ColumnElement[str]:
    return literal(reference_of(0)[:-1]) + cast(Entitlement.id, String)


def _select_spends() -> Select[int, int, str, str, str, datetime, int, bool]:
    reversal = aliased(Journal)
    is_undone = exists().where(reversal.reference == Journal.reference, reversal.id > Journal.id)
    return (
        select(
            Entitlement.id,
            Journal.id,
            Entitlement.kind,
            Film.slug,
            Film.title,
            Journal.at,
            Entitlement.price_cents,
            is_undone,
        )
        .join(Film, Film.id == Entitlement.film_id)
        .join(Journal, Journal.reference == _reference())
        .where(Journal.kind == Entitlement.kind)
    )


_SPENDS = _select_spends()


def _sources(parts: Sequence[Part]) -> list[Source]:
    """What each card gave to a spend, in the order in which it was taken."""
    taken: dict[tuple[str, str], int] = {}
    for part in parts:
        lot = part.lot_reference, part.lot_kind
        taken[lot] = taken.get(lot, 0) - part.amount
    return [Source(reference, kind, cents) for (reference, kind), cents in taken.items()]


def _shares(parts: Sequence[Part], rates: Rates) -> Shares:
    """Spends and their reversals together, so that what came back counts nowhere."""

    def taken(chosen: list[Part]) -> int:
        return -sum(part.amount for part in chosen)

    return divide(
        paid=taken([part for part in parts if part.lot_kind == "paid"]),
        offered=taken([part for part in parts if part.lot_kind == "bonus"]),
        vat=taken([part for part in parts if part.account in (VAT_COLLECTED, VOUCHER_VAT)]),
        rates=rates,
    )
