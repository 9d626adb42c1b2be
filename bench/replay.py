"""What SQLite alone needs for a spend: the statements of a real one, again and again, without SQLAlchemy."""

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import event

from bench.clients import Client
from bench.shop import owner_of
from store.db import db

KEYED = frozenset({"idempotency_key", "reference"})
"""Parameters that differ from spend to spend; so does `journal_id`, which the journal's own statement returns."""


@dataclass(frozen=True)
class Statement:
    """As the driver was given it, with the name of each parameter; several rows for an `executemany`."""

    sql: str
    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_many: bool

    def rows_of(self, key: str, journal_id: int | None) -> list[tuple[Any, ...]]:
        """The parameters for another spend."""
        return [
            tuple(
                key if name in KEYED else journal_id if name == "journal_id" else value
                for name, value in itertools.zip_longest(self.names, row)
            )
            for row in self.rows
        ]


@contextmanager
def replaying(app: Flask, spender: Client) -> Iterator[Client]:
    """Does over, on one bare connection with the shop's pragmas, what a spend of this spender did."""
    statements, serials = _statements_of(app, spender), itertools.count()
    with owner_of(app) as engine, closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection

        def act() -> bool:
            key, journal_id = f"replay:{next(serials)}", None
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                rows = statement.rows_of(key, journal_id)
                if statement.is_many:
                    connection.executemany(statement.sql, rows)
                    continue
                answer = connection.execute(statement.sql, rows[0]).fetchall()
                if "idempotency_key" in statement.names:
                    [(journal_id,)] = answer
            connection.execute("COMMIT")
            return True

        yield Client(act)


def _statements_of(app: Flask, spender: Client) -> list[Statement]:
    """Those of the spender's next act, but for the words that begin and end its transaction."""
    statements = []

    def note(_connection, _cursor, sql, parameters, _context, is_many):
        if not sql.startswith("BEGIN"):
            statements.append(Statement(sql, _names_in(sql), parameters if is_many else [parameters], is_many))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    with spender.context():
        spender.act()
    event.remove(engine, "before_cursor_execute", note)
    return statements


def _names_in(insertion: str) -> list[str]:
    """The columns that an INSERT names, in the order of its parameters; of another statement's nothing differs."""
    found = re.match(r"INSERT INTO \w+ \(([^)]*)\)", insertion)
    return found[1].split(", ") if found else []
