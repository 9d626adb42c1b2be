"""Idempotency keys: one key, one effect, one answer, for 24 hours.

The answer is stored in the transaction of its effect. A refused request has no effect, and its key stays free.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from .refusal import Refusal
from .state import State

FORGET_AFTER_S = 86_400

_in_flight: dict[str, object] = {}


@contextmanager
def alone(key: str) -> Iterator[None]:
    """Refuses, as Stripe does, a key whose first request is still being worked on."""
    this = object()
    if _in_flight.setdefault(key, this) is not this:
        message = f"There is currently another in-progress request using this Idempotent Key: {key}"
        raise Refusal(message, "idempotency_key_in_use", status=409)
    try:
        yield
    finally:
        del _in_flight[key]


def recall(state: State, key: str, content: str) -> sqlite3.Row | None:
    """`body` and `request_id` of the first answer to that key; refuses a request of other `content`."""
    state.query("DELETE FROM reply WHERE created < ?", state.now() - FORGET_AFTER_S)
    rows = state.query("SELECT content, request_id, body FROM reply WHERE key = ?", key)
    if rows and rows[0]["content"] != content:
        message = "Keys for idempotent requests can only be used with the same endpoint and parameters they were "
        message += f"first used with. Try using a key other than '{key}' if you meant to execute a different request."
        raise Refusal(message, kind="idempotency_error")
    return rows[0] if rows else None


def remember(state: State, key: str, content: str, request_id: str, body: str) -> None:
    """Keep the first answer to that key."""
    state.query("INSERT INTO reply VALUES (?, ?, ?, ?, ?)", key, content, request_id, body, state.now())
