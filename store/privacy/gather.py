"""A customer's archive: everything that each room holds of them, to read, for a spreadsheet, and for a program."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import render_template
from sqlalchemy.orm import Session

from store.audit.own_data import own_tables as of_the_log
from store.checkout.own_data import own_tables as of_checkout
from store.customers.own_data import own_tables as of_customers
from store.ledger.own_data import own_tables as of_the_books
from store.mail.own_data import own_tables as of_mail
from store.own_table import Owner, OwnTable
from store.playback.own_data import own_tables as of_playback
from store.prepaid_cards.own_data import own_tables as of_prepaid_cards
from store.privacy.headings import CENTS, HEADINGS
from store.rentals.own_data import own_tables as of_rentals
from store.spreadsheet import as_csv

ROOMS = (of_customers, of_rentals, of_prepaid_cards, of_the_books, of_checkout, of_playback, of_mail, of_the_log)

Told = Callable[[int, int], None]
"""Called with how many tables are done, and of how many."""


@dataclass(frozen=True)
class Gathered:
    """A table with its rows, their values as the database gives them."""

    name: str
    title: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


def tables_of(owner: Owner) -> list[OwnTable]:
    """What the rooms describe, in the order in which one reads it."""
    return [table for room in ROOMS for table in room(owner)]


def gather(session: Session, owner: Owner, at: datetime, told: Told) -> bytes:
    """The archive, a ZIP, in the language of the moment: `index.html`, `data.json`, and a CSV for each table."""
    tables = list(_read(session, owner, told))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", render_template("privacy/archive.html", tables=tables, at=at, **WORDS))
        archive.writestr("data.json", _as_json(tables))
        for table in tables:
            cells = ([_plain(value) for value in row] for row in table.rows)
            archive.writestr(f"csv/{table.name}.csv", as_csv(table.columns, cells))
    return packed.getvalue()


def _read(session: Session, owner: Owner, told: Told) -> Iterator[Gathered]:
    described = tables_of(owner)
    for done, table in enumerate(described):
        told(done, len(described))
        found = session.execute(table.rows)
        yield Gathered(table.name, str(table.title), [*found.keys()], [tuple(row) for row in found])


def _as_json(tables: list[Gathered]) -> str:
    content = {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables}
    return json.dumps(content, default=_plain, ensure_ascii=False, indent=1)


def _plain(value: Any) -> str:
    """As CSV and JSON write it: instants in UTC, sums in cents."""
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)


def _kind_of(column: str, value: Any) -> str:
    """How the index writes a value."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, datetime):
        return "instant"
    if isinstance(value, date):
        return "day"
    return "sum" if column in CENTS else "text"


WORDS = {"headings": HEADINGS, "kind_of": _kind_of, "plain": _plain}
