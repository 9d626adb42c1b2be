"""Events: written with the act that they tell of, signed, and brought to the shop until it has taken them."""

import hashlib
import hmac
import json
import sqlite3
import threading
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from .state import Object, State, new_id, shape

Notice = tuple[str, Object]

MODES = ("normal", "hold", "lose", "double", "reverse")
RETRY_AFTER_S = (1, 2, 5, 10, 60)
ANSWER_WITHIN_S = 10


def emit(state: State, notices: list[Notice], request: Object | None = None) -> None:
    """Write the events of one act, and plan their delivery by the mode that stands; in the act's own transaction."""
    mode = state.setting("delivery", "normal")
    due, first_state = time.time(), {"hold": "held", "lose": "lost"}.get(mode, "pending")
    written = []
    for kind, about in notices:
        event = shape("event", id=new_id("evt_"), type=kind, data={"object": about}, created=state.now())
        written.append(state.add(event | {"request": request or event["request"]})["id"])
    for event_id in reversed(written) if mode == "reverse" else written:
        for _ in range(2 if mode == "double" else 1):
            state.query("INSERT INTO delivery (event, due, state) VALUES (?, ?, ?)", event_id, due, first_state)
    state.news.set()


def signature(body: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` of a body; `at` in seconds since 1970, by the clock of who receives it."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Brings events to the shop's webhook, one after the other."""

    def __init__(self, state: State, url: str, secret: str) -> None:
        self._state, self._url, self._secret = state, urlsplit(url), secret
        self._hands = threading.Lock()
        with state.transaction():  # what a former run left undelivered does not wait any longer
            state.query("UPDATE delivery SET due = ? WHERE state = 'pending'", time.time())

    def deliver_due(self) -> None:
        """Attempt each delivery whose time has come."""
        self._deliver("pending", until=time.time())

    def deliver_held(self) -> dict[str, int]:
        """Attempt what is held, oldest first, and count how that went; what failed is tried again in time."""
        answers = self._deliver("held", until=time.time())
        return {"attempted": len(answers), "delivered": sum(answers), "failed": len(answers) - sum(answers)}

    def _deliver(self, waiting: str, until: float) -> list[bool]:
        with self._hands:
            with self._state.transaction() as state:
                sql = "SELECT * FROM delivery WHERE state = ? AND due <= ? ORDER BY due, seq"
                deliveries = state.query(sql, waiting, until)
            return [self._attempt(delivery) for delivery in deliveries]

    def _attempt(self, delivery: sqlite3.Row) -> bool:
        with self._state.transaction() as state:
            event = state.get("event", delivery["event"])
        answer = self._post(json.dumps(event, indent=2).encode())
        delivered = answer.startswith("2")
        due = time.time() + RETRY_AFTER_S[min(delivery["attempts"], len(RETRY_AFTER_S) - 1)]
        with self._state.transaction() as state:
            sql = "UPDATE delivery SET state = ?, attempts = attempts + 1, answer = ?, due = ? WHERE seq = ?"
            state.query(sql, "delivered" if delivered else "pending", answer, due, delivery["seq"])
            state.save(event | {"pending_webhooks": 0 if delivered else 1})
        return delivered

    def _post(self, body: bytes) -> str:
        """The status that the shop answered, or the name of what went wrong; redirects are not followed."""
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (sandbox)"}
        headers["Stripe-Signature"] = signature(body, self._secret, int(time.time()))
        connection = HTTPConnection(self._url.hostname or "", self._url.port or 80, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("POST", self._url.path or "/", body, headers)
            return str(connection.getresponse().status)
        except (OSError, HTTPException) as problem:
            return type(problem).__name__
        finally:
            connection.close()
