"""Events: written with the act that they tell of, signed, and brought to the shop until it has taken them."""

import hashlib
import hmac
import sqlite3
import threading
import time

import urllib3
from flask import g, has_app_context

from .state import State, new_id
from .tables import Object

RETRY_AFTER_S = (1, 2, 5, 10, 60)
ANSWER_WITHIN_S = 10
BATCH = 50
HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (sandbox)"}

ADD = "INSERT INTO sending (event, endpoint, due, place, state) VALUES (?, ?, ?, ?, ?)"
WAITING = "SELECT * FROM outgoing WHERE state = ? AND due <= ? ORDER BY due, place LIMIT ?"
ATTEMPTED = "UPDATE sending SET state = ?, attempts = attempts + 1, answer = ?, due = ? WHERE seq = ?"
STILL_WAITING = """UPDATE object SET body = json_set(body, '$.pending_webhooks', (
  SELECT count(*) FROM sending WHERE event = object.id AND state IN ('pending', 'held'))) WHERE id = ?"""


def tell(state: State, event_type: str, about: Object, before: Object) -> None:
    """Write an event and plan its sendings, by the mode that stands, in the transaction of its act."""
    data: Object = {"object": about}
    if event_type.endswith(("updated", "refunded")):
        data["previous_attributes"] = {name: value for name, value in before.items() if about[name] != value}
    registered = state.select("webhook_endpoint", {})
    endpoints = ["", *(one["id"] for one in registered if {"*", event_type} & {*one["enabled_events"]})]
    call = g.get("call") if has_app_context() else None
    facts: Object = {"type": event_type, "data": data, "pending_webhooks": len(endpoints)}
    event = state.add("event", **facts, request=call or {"id": None, "idempotency_key": None})
    mode = state.setting("delivery", "normal")
    place = state.row("event", event["id"])["seq"] * (-1 if mode == "reverse" else 1)
    first_state = {"hold": "held", "lose": "lost"}.get(mode, "pending")
    for endpoint in endpoints * 2 if mode == "double" else endpoints:
        state.query(ADD, event["id"], endpoint, state.began, place, first_state)
    state.news.set()


def create_endpoint(state: State, params: Object, _: str) -> Object:
    """A webhook endpoint beside that of the command line; its secret is told this once."""
    secret = {"secret": new_id("whsec_", 32)}
    return state.add("webhook_endpoint", params, secret) | secret


def delete_endpoint(state: State, _: Object, identifier: str) -> Object:
    """Send nothing more there, not even what waits already."""
    state.get("webhook_endpoint", identifier, "webhook_endpoint")
    state.query("DELETE FROM sending WHERE endpoint = ?", identifier)
    state.query("DELETE FROM object WHERE id = ?", identifier)
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


def signature(body: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` of a body; `at` in seconds since 1970, by the clock of who receives it."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Brings events to the webhook endpoints, one after the other; `url` and `secret` are those of the command line."""

    def __init__(self, state: State, url: str, secret: str) -> None:
        self._state, self._url, self._secret = state, url, secret
        self._hands = threading.Lock()
        self._http = urllib3.PoolManager(timeout=ANSWER_WITHIN_S, retries=False)
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
            return [self._attempt(sending) for sending in sendings]

    def _attempt(self, sending: sqlite3.Row) -> bool:
        answer = self._post(sending["body"].encode(), sending["url"] or self._url, sending["secret"] or self._secret)
        delivered = answer.startswith("2")
        due = time.time() + RETRY_AFTER_S[min(sending["attempts"], len(RETRY_AFTER_S) - 1)]
        with self._state.transaction() as state:
            state.query(ATTEMPTED, "delivered" if delivered else "pending", answer, due, sending["seq"])
            state.query(STILL_WAITING, sending["event"])
        return delivered

    def _post(self, body: bytes, url: str, secret: str) -> str:
        """The status that the shop answered, or the name of what went wrong; redirects are not followed."""
        headers = HEADERS | {"Stripe-Signature": signature(body, secret, int(time.time()))}
        try:
            return str(self._http.request("POST", url, body=body, headers=headers, redirect=False).status)
        except urllib3.exceptions.HTTPError as problem:
            return type(problem).__name__
