"""Events: written with the act that they tell of, signed, and brought to the shop until it has taken them."""

import hashlib
import hmac
import json
import sqlite3
import threading
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from flask import g, has_app_context

from .conduct import SCENES
from .state import Object, State

RETRY_AFTER_S = (1, 2, 5, 10, 60)
ANSWER_WITHIN_S = 10
BATCH = 50

WAITING = """SELECT sending.*, body FROM sending JOIN object ON object.id = event
  WHERE state = ? AND due <= ? ORDER BY due, place LIMIT ?"""
ATTEMPTED = "UPDATE sending SET state = ?, attempts = attempts + 1, answer = ?, due = ? WHERE seq = ?"
STILL_WAITING = """UPDATE object SET body = json_set(body, '$.pending_webhooks', (
  SELECT count(*) FROM sending WHERE event = object.id AND state IN ('pending', 'held'))) WHERE id = ?"""


def play(state: State, scene: str, **objects: Object) -> None:
    """A scene of `conduct.json`: step by step an object changes, is saved, and an event tells of it as it is then."""
    for name, changes, event_type in SCENES[scene]:
        about = objects[name]
        before = state.get(about["object"], about["id"])
        about |= {field: about["amount"] if value == "$amount" else value for field, value in changes.items()}
        state.save(about)
        if event_type:
            tell(state, event_type, about, before)


def tell(state: State, event_type: str, about: Object, before: Object) -> None:
    """Write an event and plan its sendings, by the mode that stands, in the transaction of its act."""
    data: Object = {"object": about}
    if event_type.endswith(("updated", "refunded")):
        data["previous_attributes"] = {name: value for name, value in before.items() if about[name] != value}
    call = g.get("call") if has_app_context() else None
    mode, endpoints = state.setting("delivery", "normal"), ["", *listeners(state, event_type)]
    copies = endpoints * 2 if mode == "double" else endpoints
    facts: Object = {"request": call or {"id": None, "idempotency_key": None}, "pending_webhooks": len(endpoints)}
    event = state.add("event", type=event_type, data=data, **facts)
    place = state.row("event", event["id"])["seq"] * (-1 if mode == "reverse" else 1)
    first_state = {"hold": "held", "lose": "lost"}.get(mode, "pending")
    for endpoint in copies:
        sql = "INSERT INTO sending (event, endpoint, due, place, state) VALUES (?, ?, ?, ?, ?)"
        state.query(sql, event["id"], endpoint, state.began, place, first_state)
    state.news.set()


def listeners(state: State, event_type: str) -> list[str]:
    """The ids of the webhook endpoints that want events of this type."""
    endpoints = state.select("webhook_endpoint", {})
    return [one["id"] for one in endpoints if {"*", event_type} & set(one["enabled_events"])]


def signature(body: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` of a body; `at` in seconds since 1970, by the clock of who receives it."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Line:
    """A way to one webhook endpoint; its connection opens with the first post and is used for the next ones."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = urlsplit(url), secret
        self._connection = HTTPConnection(self._url.hostname or "", self._url.port or 80, timeout=ANSWER_WITHIN_S)

    def post(self, body: bytes) -> str:
        """The status that the shop answered, or the name of what went wrong; redirects are not followed."""
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (sandbox)"}
        headers["Stripe-Signature"] = signature(body, self._secret, int(time.time()))
        try:
            self._connection.request("POST", self._url.path or "/", body, headers)
            answer = self._connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, HTTPException) as problem:
            self.close()
            return type(problem).__name__

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Courier:
    """Brings events to the webhook endpoints, one after the other; `url` and `secret` are those of the command line."""

    def __init__(self, state: State, url: str, secret: str) -> None:
        self._state, self._default = state, (url, secret)
        self._hands = threading.Lock()
        with state.transaction():  # what a former run left undelivered does not wait any longer
            state.query("UPDATE sending SET due = ? WHERE state = 'pending'", time.time())

    def deliver_due(self) -> bool:
        """Attempt what is due, or a batch of it; whether there may be more."""
        return len(self._deliver("pending", time.time())) == BATCH

    def deliver_held(self) -> dict[str, int]:
        """Attempt what is held, oldest first, and count how that went; what failed is tried again in time."""
        answers, until = [], time.time()
        while batch := self._deliver("held", until):
            answers += batch
        return {"attempted": len(answers), "delivered": sum(answers), "failed": len(answers) - sum(answers)}

    def _deliver(self, waiting: str, until: float) -> list[bool]:
        with self._hands:
            with self._state.transaction() as state:
                sendings = state.query(WAITING, waiting, until, BATCH)
                endpoints = state.query("SELECT id, body, hidden FROM object WHERE kind = 'webhook_endpoint'")
            addresses = {
                row["id"]: (json.loads(row["body"])["url"], json.loads(row["hidden"])["secret"]) for row in endpoints
            }
            lines = {endpoint: Line(*address) for endpoint, address in (addresses | {"": self._default}).items()}
            answers = [self._attempt(sending, lines[sending["endpoint"]]) for sending in sendings]
            for line in lines.values():
                line.close()
            return answers

    def _attempt(self, sending: sqlite3.Row, line: Line) -> bool:
        answer = line.post(sending["body"].encode())
        delivered = answer.startswith("2")
        due = time.time() + RETRY_AFTER_S[min(sending["attempts"], len(RETRY_AFTER_S) - 1)]
        with self._state.transaction() as state:
            state.query(ATTEMPTED, "delivered" if delivered else "pending", answer, due, sending["seq"])
            state.query(STILL_WAITING, sending["event"])
        return delivered
