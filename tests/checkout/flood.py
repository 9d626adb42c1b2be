"""A flood of deliveries: events of many purchases at once, many of them repeated, some forged, in no order."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Order, WebhookEvent
from store.checkout.start import Purchase, start
from store.jobs.models import Job
from store.ledger.models import Journal, Lot
from store.ledger.reconcile import differences
from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.stripe_side import IS_DECLINED, pay, signed
from tests.shop import Shop

PRICE = 1000
ORDERS_OF_A_PERSON = 20
DECLINED_ONE_IN = 10
REPEATED, FORGED = 0.3, 0.1
EVENTS_OF_AN_ORDER = 4
"""What Stripe tells of a payment at least: of its PaymentIntent twice, of its charge and of its Session."""


class Delivery(NamedTuple):
    """A body, and whether somebody else than Stripe sends it."""

    body: bytes
    is_forged: bool

    def headers(self) -> dict[str, str]:
        """Signed now."""
        return signed(self.body, "whsec_forged" if self.is_forged else "whsec_sandbox")


class Flood:
    """`deliveries` of what became of `paid` and `declined`, two lists of Sessions."""

    def __init__(self, app: Flask, sandbox: OwnSandbox, count: int, chance: random.Random) -> None:
        repeated, forged = round(count * REPEATED), round(count * FORGED)
        genuine = count - repeated - forged
        self.paid, self.declined = _purchases(app, sandbox, genuine // EVENTS_OF_AN_ORDER + 1)
        events = sandbox.events()
        assert len(events) >= genuine, "the sandbox tells less of an order than it did"
        told = [json.dumps(event).encode() for event in _with_all_completions(events, genuine, chance)]
        self.events = len(told)
        false = [_forgery(chance.choice(self.declined), number) for number in range(forged // 2)]
        false += chance.choices(told, k=forged - len(false))
        self.deliveries = [Delivery(body, False) for body in told + chance.choices(told, k=repeated)]
        self.deliveries += [Delivery(body, True) for body in false]
        chance.shuffle(self.deliveries)

    def violations(self, session: Session) -> Iterator[str]:
        """A sentence for whatever is not exactly one credit for each paid Session; all jobs are done."""
        yield from differences(session)
        states = Counter({(one, "paid"): 1 for one in self.paid} | {(one, "pending"): 1 for one in self.declined})
        orders = Counter(tuple(row) for row in session.execute(select(Order.stripe_session_id, Order.state)))
        if orders != states:
            yield f"orders that are not what Stripe says: {orders - states}"
        kept = session.scalars(select(func.count(WebhookEvent.id))).one()
        if kept != self.events:
            yield f"{kept} events were kept of {self.events}"
        credits = session.scalars(select(func.count(Journal.id)).where(Journal.kind == "card")).one()
        cents = session.scalars(select(func.coalesce(func.sum(Lot.remaining), 0))).one()
        if (credits, cents) != (len(self.paid), len(self.paid) * PRICE):
            yield f"{credits} credits of {cents} cents for {len(self.paid)} paid Sessions of {PRICE}"
        letters = session.scalars(select(func.count(Job.id)).where(Job.name == "checkout.mail_confirmation")).one()
        if letters != len(self.paid):
            yield f"{letters} confirmations for {len(self.paid)} paid Sessions"


def _purchases(app: Flask, sandbox: OwnSandbox, count: int) -> tuple[list[str], list[str]]:
    """So many orders whose buyers never come back: the Sessions that were paid, and those whose card was declined."""
    paid, declined = [], []
    shop = Shop(app)
    for number in range(count):
        if number % ORDERS_OF_A_PERSON == 0:
            person = shop.customer(f"flood-{number}@example.org")
        with app.app_context():
            purchase = Purchase(person.id, person.wallet_id, person.email, "self", PRICE, PRICE)
            [session_id] = re.findall(r"cs_test_\w+", start(purchase, lambda: "Carte", clock.now()))
        if number % DECLINED_ONE_IN == 0:
            assert pay(sandbox.url, session_id, IS_DECLINED) == "declined"
            declined.append(session_id)
        else:
            assert pay(sandbox.url, session_id) == "paid"
            paid.append(session_id)
    return paid, declined


def _with_all_completions(events: list[dict], count: int, chance: random.Random) -> list[dict]:
    """So many events, among them the completion of every Session that was paid: the flood loses none."""
    completed = [event for event in events if event["type"] == "checkout.session.completed"]
    others = [event for event in events if event["type"] != "checkout.session.completed"]
    return completed + chance.sample(others, count - len(completed))


def _forgery(session_id: str, number: int) -> bytes:
    """Somebody says that a Session was paid which was not."""
    about = {"id": session_id, "object": "checkout.session", "payment_status": "paid", "status": "complete"}
    forged = {"id": f"evt_forged_{number}", "type": "checkout.session.completed", "data": {"object": about}}
    return json.dumps(forged).encode()
