"""A customer's receipts, film spends and orders of before there were receipts: in one list, youngest first."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, cast, exists, literal, select, tuple_, union_all
from sqlalchemy.orm import Session

from store.checkout.film_spends import FilmSpend, dated_spends, spends_of
from store.checkout.models import Order, Receipt

LINES = 50

OF_BEFORE, RECEIPT, FILM = "order", "receipt", "film"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN_CURSOR = re.compile(f"([0-9]{{1,17}})-({OF_BEFORE}|{RECEIPT}|{FILM})-([0-9]{{1,18}})")


@dataclass(frozen=True)
class Cursor:
    """A place in the list. What bears one instant is ordered by its sort, then by its id."""

    at: datetime
    sort: str
    id: int

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.sort}-{self.id}"


@dataclass(frozen=True)
class Paper:
    """A line of the list. What it stands for is an order (`order`) where there were no receipts yet."""

    cursor: Cursor
    what: Receipt | FilmSpend | Order

    @property
    def sort(self) -> str:
        """`receipt`, `film` or `order`."""
        return self.cursor.sort


def read_cursor(written: str) -> Cursor | None:
    """The cursor that an address holds; None for what is none."""
    found = WRITTEN_CURSOR.fullmatch(written)
    if found is None:
        return None
    return Cursor(EPOCH + timedelta(microseconds=int(found[1])), found[2], int(found[3]))


def papers_of(session: Session, customer_id: int, after: Cursor | None = None, limit: int = LINES) -> list[Paper]:
    """The customer's papers, youngest first, those that come after the cursor."""
    cursors = _cursors(session, customer_id, after, limit)
    ids = {sort: [cursor.id for cursor in cursors if cursor.sort == sort] for sort in (OF_BEFORE, RECEIPT, FILM)}
    found: dict[tuple[str, int], Receipt | FilmSpend | Order] = {}
    for receipt in session.scalars(select(Receipt).where(Receipt.id.in_(ids[RECEIPT]))):
        found[RECEIPT, receipt.id] = receipt
    for order in session.scalars(select(Order).where(Order.id.in_(ids[OF_BEFORE]))):
        found[OF_BEFORE, order.id] = order
    for entitlement_id, spend in spends_of(session, customer_id, ids[FILM]).items():
        found[FILM, entitlement_id] = spend
    return [Paper(cursor, found[cursor.sort, cursor.id]) for cursor in cursors]


def _cursors(session: Session, customer_id: int, after: Cursor | None, limit: int) -> list[Cursor]:
    has_receipt = exists().where(Receipt.reference == literal("order:").concat(cast(Order.id, String)))
    receipts = select(Receipt.issued_at.label("at"), Receipt.id.label("id"), literal(RECEIPT).label("sort")).where(
        Receipt.customer_id == customer_id
    )
    orders = select(Order.paid_at, Order.id, literal(OF_BEFORE)).where(
        Order.customer_id == customer_id, Order.paid_at.is_not(None), ~has_receipt
    )
    films = dated_spends(customer_id).add_columns(literal(FILM))
    lines = union_all(receipts, orders, films).subquery().c
    place = (lines.at, lines.sort, lines.id)
    query = select(lines.at, lines.sort, lines.id).order_by(*(column.desc() for column in place)).limit(limit)
    if after:
        given = [
            literal(value, column.type) for value, column in zip((after.at, after.sort, after.id), place, strict=True)
        ]
        query = query.where(tuple_(*place) < tuple_(*given))
    return [Cursor(row.at, row.sort, row.id) for row in session.execute(query)]
