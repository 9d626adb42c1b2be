"""Receipts of card sales and credit notes: numbered within a year without gaps, written once, found again by their owner.

A number is taken by the statement that writes the receipt: what orders the writers (on PostgreSQL the counter's row, on SQLite
the write lock) is held until their transactions end, and what is rolled back or killed gives its number back. So issue late in
a transaction, after every other lock. The database refuses a gap by itself.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import current_app
from sqlalchemy import Integer, String, Table, bindparam, exists, func, insert, literal, or_, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Order, Receipt, ReceiptCounter
from store.customers.models import Customer
from store.db import table_of
from store.jobs.enqueue import enqueue
from store.prepaid_cards.models import MULTI_PURPOSE, PrepaidCard

SALE, CREDIT_NOTE = "sale", "credit_note"

SHOWN_NUMBER = re.compile("(A-)?([0-9]{4})-([0-9]{6,12})")
OF_AN_ORDER = re.compile("order:([0-9]{1,18})(:[0-9]+)?")

RECEIPT: Table = table_of(Receipt)
COUNTER: Table = table_of(ReceiptCounter)

_NEXT_NUMBER = select(
    bindparam("of_series", type_=String).label("series"),
    bindparam("in_year", type_=Integer).label("year"),
    select(func.coalesce(func.max(RECEIPT.c.number), 0) + 1)
    .where(RECEIPT.c.series == bindparam("of_series"), RECEIPT.c.year == bindparam("in_year"))
    .scalar_subquery()
    .label("number"),
).where(~exists().where(RECEIPT.c.reference == bindparam("for_reference")))
"""The number that follows the last one, unless there is a receipt of this reference already: all that SQLite needs, where
nobody else writes meanwhile."""

_RAISED_NUMBER = (
    postgresql.insert(COUNTER)
    .from_select(["series", "year", "last_number"], _NEXT_NUMBER)
    .on_conflict_do_update(
        index_elements=[COUNTER.c.series, COUNTER.c.year], set_={"last_number": COUNTER.c.last_number + 1}
    )
    .returning(COUNTER.c.year, COUNTER.c.last_number.label("number"))
    .cte("raised")
)
"""The same on PostgreSQL, by way of the counter's row: whoever comes second waits for it, and raises what the first left."""


@dataclass(frozen=True)
class Line:
    """So many cards at `unit_cents` each: `what` is `card`, or `refund` for one that is given back.

    `credit_cents` is what each of them gives; `numbers` are their last four symbols, `references` how the books call them.
    """

    what: str
    quantity: int
    unit_cents: int
    credit_cents: int | None
    numbers: tuple[str, ...]
    references: tuple[str, ...]


@dataclass(frozen=True)
class _Vat:
    """How a receipt is taxed: `percent` is None, and `cents` 0, where VAT is due later."""

    mode: str
    percent: str | None
    cents: int


def issue_sale(session: Session, order: Order, cards: Sequence[PrepaidCard], at: datetime) -> int:
    """The receipt of a paid order for its cards, which were issued together; returns its id.

    Takes one statement. Repeated, it is the same receipt. Of two callers at once the second meets the first's row
    (IntegrityError) and finds its work done when it tries again.
    """
    reference = f"order:{order.id}"
    receipt_id = _write(
        session,
        order_id=order.id,
        customer_id=order.customer_id,
        vat=_vat_of_sale(cards),
        series=SALE,
        reference=reference,
        corrects_id=None,
        total_cents=order.price_cents,
        lines=[asdict(line) for line in lines_of(cards)],
        at=at,
    )
    return receipt_id or _issued(session, reference)


def issue_credit_note(
    session: Session,
    *,
    refund_reference: str,
    order_id: int,
    customer_id: int,
    cents: int,
    vat_cents: int,
    lines: Sequence[Line],
    at: datetime,
) -> int:
    """The credit note of a refund (`refund:5`) of this order, and its letter; returns its id. Repeated, the same one.

    `vat_cents` is the VAT that is no longer due on it, as the books say.
    """
    sale_id, vat = _vat_of_refund(session, order_id, vat_cents)
    receipt_id = _write(
        session,
        order_id=order_id,
        customer_id=customer_id,
        vat=vat,
        series=CREDIT_NOTE,
        reference=refund_reference,
        corrects_id=sale_id,
        total_cents=cents,
        lines=[asdict(line) for line in lines],
        at=at,
    )
    if receipt_id is None:
        return _issued(session, refund_reference)
    enqueue(session, "checkout.mail_credit_note", {"receipt_id": receipt_id})
    return receipt_id


def issue_restored_sale(session: Session, *, refund_reference: str, at: datetime) -> int:
    """The receipt that takes a credit note back, whose refund did not arrive after all, and its letter; returns its id.

    Repeated, the same one.
    """
    reference = f"{refund_reference}:failed"
    note = session.scalars(select(Receipt).where(Receipt.reference == refund_reference)).one()
    receipt_id = _write(
        session,
        order_id=note.order_id,
        customer_id=note.customer_id,
        vat=_Vat(note.vat_mode, note.vat_percent, note.vat_cents),
        series=SALE,
        reference=reference,
        corrects_id=note.id,
        total_cents=note.total_cents,
        lines=note.lines,
        at=at,
    )
    if receipt_id is None:
        return _issued(session, reference)
    enqueue(session, "checkout.mail_restored_sale", {"receipt_id": receipt_id})
    return receipt_id


def lines_of(cards: Iterable[PrepaidCard]) -> list[Line]:
    """The cards of an order as lines: those of one price and credit together, the dearest first."""

    def terms(card: PrepaidCard) -> tuple[int, int]:
        return card.price_cents, card.credit_cents

    lines = []
    for (price_cents, credit_cents), group in groupby(sorted(cards, key=terms, reverse=True), terms):
        alike = list(group)
        numbers = tuple(card.last4 for card in alike)
        references = tuple(card.reference for card in alike)
        lines.append(Line("card", len(alike), price_cents, credit_cents, numbers, references))
    return lines


def refund_line(card: PrepaidCard, cents: int) -> Line:
    """The line of a credit note: so many cents of a card were given back."""
    return Line("refund", 1, cents, None, (card.last4,), (card.reference,))


def find(session: Session, shown_number: str, customer_id: int) -> Receipt | None:
    """The customer's receipt of this number, as it is shown; None for somebody else's and for none."""
    written = SHOWN_NUMBER.fullmatch(shown_number)
    if written is None:
        return None
    found = session.scalar(
        select(Receipt).where(
            Receipt.series == (CREDIT_NOTE if written[1] else SALE),
            Receipt.year == int(written[2]),
            Receipt.number == int(written[3]),
            Receipt.customer_id == customer_id,
        )
    )
    return found if found and found.shown_number == shown_number else None


def sale_of(session: Session, order_id: int) -> Receipt | None:
    """The receipt of this order's sale; orders of the releases before receipts have none."""
    return session.scalar(select(Receipt).where(Receipt.reference == f"order:{order_id}"))


def corrected_by(session: Session, credit_note: Receipt) -> Receipt | None:
    """The receipt that a credit note corrects, or the credit note that a receipt takes back."""
    return session.get(Receipt, credit_note.corrects_id) if credit_note.corrects_id else None


def corrections_of(session: Session, receipt: Receipt) -> list[Receipt]:
    """The credit notes that correct a receipt, and the receipts that took these or this one back, oldest first."""
    on_it = select(Receipt.id).where(Receipt.corrects_id == receipt.id)
    corrections = select(Receipt).where(or_(Receipt.corrects_id == receipt.id, Receipt.corrects_id.in_(on_it)))
    return list(session.scalars(corrections.order_by(Receipt.id)))


def describe(session: Session, references: Iterable[str], customer_id: int) -> dict[str, str]:
    """The numbers of the customer's receipts for those of a statement's references that are cards of an order."""
    orders = {found[0]: int(found[1]) for found in map(OF_AN_ORDER.fullmatch, references) if found}
    sales = select(Receipt).where(
        Receipt.reference.in_({f"order:{order_id}" for order_id in orders.values()}), Receipt.customer_id == customer_id
    )
    numbers = {receipt.order_id: receipt.shown_number for receipt in session.scalars(sales)}
    return {reference: numbers[order_id] for reference, order_id in orders.items() if order_id in numbers}


def _issued(session: Session, reference: str) -> int:
    return session.scalars(select(Receipt.id).where(Receipt.reference == reference)).one()


def _write(
    session: Session,
    *,
    order_id: int,
    customer_id: int,
    vat: _Vat,
    series: str,
    reference: str,
    at: datetime,
    **facts: Any,
) -> int | None:
    """One row under the next number of the year, by the shop's calendar, with the buyer, the currency and the terms as they
    stand now; None if there is one of this reference."""
    facts |= {
        "series": series,
        "reference": reference,
        "issued_at": at,
        "order_id": order_id,
        "customer_id": customer_id,
        "vat_mode": vat.mode,
        "vat_percent": vat.percent,
        "vat_cents": vat.cents,
        "seller_name": current_app.config["SHOP_NAME"],
        "seller_imprint": current_app.config["SHOP_PUBLISHER"],
    }
    next_number = _RAISED_NUMBER if session.get_bind().dialect.name == "postgresql" else _NEXT_NUMBER.subquery()
    copied = {
        "buyer_name": Customer.name,
        "buyer_email": Customer.email,
        "currency": Order.currency,
        "terms_version": Order.terms_version,
        "year": next_number.c.year,
        "number": next_number.c.number,
    }
    given = [literal(value, RECEIPT.c[name].type) for name, value in facts.items()]
    row = (
        select(*given, *copied.values())
        .join_from(Order, Customer, Customer.id == Order.customer_id)
        .join(next_number, true())
        .where(Order.id == order_id, Customer.id == customer_id)
    )
    written = insert(RECEIPT).from_select([*facts, *copied], row).returning(RECEIPT.c.id)
    year = at.astimezone(clock.shop_zone()).year
    return session.scalar(written, {"of_series": series, "in_year": year, "for_reference": reference})


def _vat_of_sale(cards: Sequence[PrepaidCard]) -> _Vat:
    """Single-purpose cards are taxed now, each as the books say; multi-purpose ones when their credit is used."""
    if cards[0].vat_mode == MULTI_PURPOSE:
        return _Vat(MULTI_PURPOSE, None, 0)
    percent = current_app.config["SHOP_VAT_PERCENT"]
    return _Vat(cards[0].vat_mode, str(percent), sum(card.vat_cents or 0 for card in cards))


def _vat_of_refund(session: Session, order_id: int, cents: int) -> tuple[int | None, _Vat]:
    """The receipt to correct, and `cents` of VAT at its rate."""
    sale = sale_of(session, order_id)
    if sale is None:
        return None, _Vat(MULTI_PURPOSE, None, 0)
    return sale.id, _Vat(sale.vat_mode, sale.vat_percent, cents)
