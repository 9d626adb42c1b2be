"""What the sandbox remembers: one SQLite file that outlives a kill."""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from .tables import FOLDER, SHAPES, Object, Refusal

SCHEMA = (FOLDER / "schema.sql").read_text()


def shape(kind: str, parent: Object | None = None, **fields: Any) -> Object:
    """An object as the API version that the SDK pins shapes it; where `shapes.json` says `=`, as its parent has it."""
    known = parent or {}
    blank = {name: known.get(name) if value == "=" else deepcopy(value) for name, value in SHAPES[kind].items()}
    return blank | fields


def new_id(prefix: str, length: int = 24) -> str:
    """A random identifier in Stripe's manner: `pi_` gives `pi_3f0c…`."""
    return prefix + secrets.token_hex(length // 2)


class State:
    """Objects, sendings, stored replies, plans and settings. All methods but `transaction()` are called inside of one.

    `news` is set when something new waits to be sent; `began` is when the transaction did, by the machine's clock.
    """

    def __init__(self, file: Path) -> None:
        self.news, self.began = threading.Event(), 0.0
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator["State"]:
        """One act: all of it is kept, or nothing. Acts queue up, one after the other."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            self.began = time.time()
            try:
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def now(self) -> int:
        """The sandbox's time, in seconds since 1970, one for all of an act: the machine's, and what its clock was advanced by."""
        return int(self.began) + int(self.setting("ahead_s", "0"))

    def query(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of any statement."""
        return self._connection.execute(sql, values).fetchall()

    def add(self, kind: str, parent: Object | None = None, hidden: Object | None = None, **fields: Any) -> Object:
        """Keep a new object; `hidden` is what Stripe knows about it without showing it."""
        body = shape(kind, parent, created=self.now()) | fields
        body["id"] = fields.get("id") or new_id(body["id"])
        values = (body["id"], kind, body["created"], json.dumps(body), json.dumps(hidden or {}))
        self.query("INSERT INTO object (id, kind, created, body, hidden) VALUES (?, ?, ?, ?, ?)", *values)
        return body

    def save(self, body: Object) -> None:
        """Keep an object's new content."""
        self.query("UPDATE object SET body = ? WHERE id = ?", json.dumps(body), body["id"])

    def get(self, kind: str, identifier: str | None, param: str = "id") -> Object:
        """The object with that id, or Stripe's 404 which names `param`."""
        return json.loads(self.row(kind, identifier, param)["body"])

    def hidden(self, kind: str, identifier: str) -> Object:
        """What is known about an object without being shown."""
        return json.loads(self.row(kind, identifier)["hidden"])

    def row(self, kind: str, identifier: str | None, param: str = "id") -> sqlite3.Row:
        """An object as it is stored; `seq` counts in the order of making."""
        rows = self.query("SELECT * FROM object WHERE kind = ? AND id = ?", kind, identifier)
        if not rows:
            raise Refusal(f"No such {kind}: '{identifier}'", "resource_missing", param, status=404)
        return rows[0]

    def select(self, kind: str, where: dict[str, Any], order: str = "ASC", limit: int = -1) -> list[Object]:
        """The objects of a kind that meet all conditions: SQL with one `?`, and its value."""
        conditions = " AND ".join(["kind = ?", *where])
        sql = " ".join(["SELECT body FROM object WHERE", conditions, "ORDER BY seq", order, "LIMIT ?"])
        return [json.loads(row["body"]) for row in self.query(sql, kind, *where.values(), limit)]

    def of_intent(self, kind: str, intent_id: str | None) -> list[Object]:
        """The charges, refunds or disputes of a PaymentIntent, newest first."""
        return self.select(kind, {"json_extract(body, '$.payment_intent') = ?": intent_id}, "DESC")

    def plan(self, due: int, act: str, identifier: str) -> None:
        """What will happen to an object at a moment of the sandbox's time; `plans.py` does it."""
        self.query("INSERT INTO plan (due, act, object) VALUES (?, ?, ?)", due, act, identifier)

    def setting(self, name: str, default: str) -> str:
        """A switch of the control interface."""
        rows = self.query("SELECT value FROM setting WHERE name = ?", name)
        return rows[0]["value"] if rows else default

    def switch(self, name: str, value: str) -> None:
        """Turn a switch of the control interface."""
        self.query("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, value)
