"""What befalls a call of the API: its idempotency key, and the fault that was asked for.

One key, one effect, one answer, for 24 hours: the answer is stored in the transaction of its effect. A refused request has no
effect, and its key stays free.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .state import State
from .tables import CONDUCT, Object, Refusal

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


def ask_fault(state: State, params: Object, _: str) -> Object:
    """The `next` call fails so, or `count` calls do; `none` takes back what was asked for."""
    queue = [params["next"]] * params.get("count", 1) if params["next"] != "none" else []
    state.switch("faults", " ".join(queue))
    return {"next": params["next"], "count": len(queue)}


def take_fault(state: State) -> Object:
    """The fault of this call, which is then over; mostly none."""
    fault, _, others = state.setting("faults", "").partition(" ")
    if fault:
        state.switch("faults", others)
    return CONDUCT["faults"].get(fault, {})


def strike(fault: Object, *, after_commit: bool) -> None:
    """Fail now, if the fault comes at this point of the call."""
    if fault and fault["after_commit"] == after_commit:
        time.sleep(fault.get("wait_s", 0))  # the fault that was asked for: an answer that comes too late
        raise Refusal(**fault["answer"])
