"""A random walk: what customer, bank, staff, Stripe's dashboard, network and power cuts do to the money of one customer.

Every step goes the way it goes in life: pages by HTTP, Stripe by its SDK, the worker by its queue. One in a few is done in
a fork that is killed at a named step. Nothing is expected of a step but that no page answers with a fault of its own.
"""

import json
import random
import re
from collections.abc import Callable
from datetime import datetime
from urllib.error import HTTPError

from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from store import clock
from store.checkout.give_back import refund_film
from store.checkout.models import Order, Refund
from store.checkout.reconcile import reconcile
from store.checkout.refund import NothingToRefund, refund, settle_debt
from store.db import db, transaction
from store.gateways.stripe_gateway import StripeUnavailable
from store.jobs.models import Job
from store.jobs.work import run_next
from store.prepaid_cards.codes import written
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import PrepaidCard
from store.rentals.models import Entitlement
from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.stripe_side import DEBIT, IS_DECLINED, PAYS, act
from tests.checkout.test_buying_a_card import notify
from tests.killed import is_killed_at
from tests.shop import Person, Shop, csrf_of

FILMS = {"court": 20, "moyen": 45, "long": 90, "fleuve": 180}
"""Slugs and minutes of the films that every walk's shop has."""

REFUNDS_WAIT, REFUNDS_BOUNCE = "4000000000007726", "4000000000005126"
CARDS = [PAYS] * 5 + [REFUNDS_WAIT] * 2 + [DEBIT] * 2 + [REFUNDS_BOUNCE, IS_DECLINED]
KILLED_ONE_IN = 6

STOPS = {
    "order": ["checkout.ordered", "checkout.session_made", "checkout.joined"],
    "settle": [f"settle.{step}" for step in ("fetched", "locked", "credited", "enqueued", "committed", "noted")],
    "film": [f"film.{step}" for step in ("locked", "granted", "given_up", "committed")],
    "refund": [f"refund.{step}" for step in ("reserved", "made", "locked", "booked", "settled")],
    "dispute": [f"dispute.{step}" for step in ("locked", "booked", "settled")],
    "rent": [f"rent.{step}" for step in ("locked", "granted", "posted", "committed")],
    "buy": [f"buy.{step}" for step in ("locked", "granted", "posted", "committed")],
    "undo": [f"undo.{step}" for step in ("locked", "revoked", "reversed")],
    "film_refund": ["film_refund.locked", "undo.revoked", "film_refund.reversed"],
    "withdraw": ["withdraw.committed"],
    "redeem": [f"redeem.{step}" for step in ("card_locked", "wallet_locked", "credited", "committed")],
}


class Walk:
    """One customer's walk through a shop and its sandbox; `told` says what happened, step by step."""

    def __init__(self, app: Flask, sandbox: OwnSandbox, person: Person, chance: random.Random) -> None:
        self.app, self.sandbox, self.person = app, sandbox, person
        self.told: list[str] = []
        self.steps = self.kills = 0
        self._chance = chance
        self._client = Shop(app).signed_in(person)
        self._token = csrf_of(self._client, "/cartes")
        self._payments: list[str] = []
        self._first_event = self._heard = len(sandbox.events())

    def go(self, steps: int) -> None:
        """A purchase, then so many steps; then everything is up and answers again."""
        try:
            for step in [*OPENING, *self._chance.choices(list(STEPS), list(STEPS.values()), k=steps)]:
                self._tell(step.__name__.strip("_"))
                self.steps += 1
                step(self)
        finally:
            act(self.sandbox.url, "faults", next="none")

    def reconcile(self, since: datetime) -> list[str]:
        """What the reconciler says."""
        with self.app.app_context():
            return list(reconcile(since, clock.now()))

    def catch_up(self) -> list[str]:
        """Every event comes once more, and all that waits is done; a sentence for each job that cannot be done."""
        self._post(self.sandbox.events(self._first_event))
        with self.app.app_context(), transaction() as session:
            waiting = update(Job).where(Job.done_at.is_(None))
            session.execute(waiting.values(run_at=clock.now(), failed_at=None, attempts=0))
        with self.app.app_context():
            self._work_off(1000)
            db.session.rollback()
            left = db.session.execute(select(Job.name, Job.error).where(Job.done_at.is_(None), Job.lane == "prompt"))
            return [f"{name} cannot be done: {error}" for name, error in left]

    # the customer

    def _order(self) -> None:
        fields = {"denomination": self._chance.choice(["10", "20", "50"])}
        if self._chance.random() < 0.2:
            fields |= {"pour": "cadeau", "recipient_name": "Paul", "recipient_email": "paul@example.org"}
        elif self._chance.random() < 0.3:
            fields["combien"] = "2"
        self._press("/cartes/acheter", "order", **fields)

    def _order_gap(self) -> None:
        self._press(f"/films/{self._film()}/payer", "order")

    def _pay(self) -> None:
        session_id = self._some_session("pending")
        if session_id:
            card = self._chance.choice(CARDS)
            answer = self._act(f"pay/{session_id}", card=card)
            self._tell(f"{session_id[-4:]} {card[:4]}…{card[-4:]} {answer.get('status')}")
            self._payments += [answer["payment_intent"]] if answer.get("payment_intent") else []

    def _come_back(self) -> None:
        session_id = self._some_session()
        if session_id:
            address = f"/paiement/retour?session_id={session_id}"
            self._do(lambda: _fine(self._client.get(address)), "settle", "film", "rent")

    def _rent(self) -> None:
        self._press(f"/films/{self._film()}/louer", "rent")

    def _buy(self) -> None:
        self._press(f"/films/{self._film()}/acheter", "buy")

    def _undo(self) -> None:
        self._press(f"/films/{self._film()}/annuler", "undo")

    def _withdraw(self) -> None:
        card = self._some(select(PrepaidCard.id).where(PrepaidCard.bought_by == self.person.id))
        if card:
            self._press(f"/compte/cartes/{card}/retractation", "withdraw")

    def _redeem(self) -> None:
        given = select(PrepaidCard).where(PrepaidCard.bought_by == self.person.id, PrepaidCard.purpose == "gift")
        card = self._some(given.where(PrepaidCard.redeemed_at.is_(None)))
        if card:
            code = written(code_on(self.app.config["CODE_KEYS"], card))
            self._press("/cartes/activer", "redeem", code=code)

    # the bank, and Stripe's dashboard

    def _end_debit(self) -> None:
        self._on_a_payment("settle", outcome=self._chance.choice(["succeeded", "succeeded", "failed"]))

    def _refund_in_the_dashboard(self) -> None:
        fields: dict[str, object] = {"outcome": self._chance.choice(["succeeded", "succeeded", "pending", "failed"])}
        if self._chance.random() < 0.7:
            fields["amount"] = self._chance.randint(1, 1500)
        self._on_a_payment("refund", **fields)

    def _end_refund(self) -> None:
        about = [event["data"]["object"] for event in self.sandbox.events(self._first_event)]
        made = {one["id"] for one in about if one["object"] == "refund"}
        if made:
            outcome = self._chance.choice(["succeeded", "failed", "failed"])
            self._act(f"settle/{self._chance.choice(sorted(made))}", outcome=outcome)

    def _dispute(self) -> None:
        self._on_a_payment("dispute", outcome=self._chance.choice(["open", "open", "won", "lost"]))

    # staff

    def _refund(self) -> None:
        order_id = self._some(select(Order.id).where(Order.customer_id == self.person.id, Order.state == "paid"))
        cents = self._chance.choice([None, self._chance.randint(1, 1500)])
        if order_id:
            self._tell(f"{cents} of order {order_id}")
            self._do(lambda: refund(order_id, cents, clock.now()), "refund")

    def _refund_film(self) -> None:
        """A film that could not be watched, or somebody says so."""
        mine = select(Entitlement.id).where(Entitlement.customer_id == self.person.id, Entitlement.revoked_at.is_(None))
        entitlement_id = self._some(mine)
        if entitlement_id:
            self._do(lambda: _refund_film(entitlement_id), "film_refund")

    def _end_debt(self) -> None:
        mine = select(Refund.id).join(Order, Order.id == Refund.order_id).where(Order.customer_id == self.person.id)
        refund_id = self._some(mine.where(Refund.owed_cents > 0))
        if refund_id:
            with self.app.app_context(), transaction() as session:
                settle_debt(session, refund_id, was_paid=self._chance.random() < 0.5, at=clock.now())

    # the machine

    def _work(self) -> None:
        """A worker does some of what is due."""
        most = self._chance.choice([1, 3, 20])
        self._do(lambda: self._work_off(most), "settle", "refund", "dispute", "film", "rent")

    def _deliver(self) -> None:
        """The events since the last time: in order, doubled, the last first, shuffled, or lost."""
        events = self.sandbox.events(self._heard)
        self._heard += len(events)
        how = self._chance.choice(["in order", "doubled", "reversed", "shuffled", "lost"])
        self._tell(f"{len(events)} {how}")
        events = events * 2 if how in ("doubled", "shuffled") else events[::-1] if how == "reversed" else events
        if how == "shuffled":
            self._chance.shuffle(events)
        self._post(events if how != "lost" else [])

    def _fail(self) -> None:
        """The next calls of Stripe's API fail: a few, and the SDK gets over it, or more."""
        fault = self._chance.choice(["500_after_commit", "500_after_commit", "429", "500", "conflict"])
        self._act("faults", next=fault, count=self._chance.choice([1, 1, 1, 3]))

    def _kill_sandbox(self) -> None:
        """It dies, somebody does something meanwhile, it comes back."""
        self.sandbox.kill()
        self.kills += 1
        try:
            self._chance.choice([Walk._work, Walk._come_back, Walk._refund, Walk._rent])(self)
        finally:
            self.sandbox.start()

    # how

    def _press(self, address: str, *rooms: str, **fields: str) -> None:
        data = {"csrf_token": self._token, **fields}
        self._do(lambda: _fine(self._client.post(address, data=data)), *rooms)

    def _work_off(self, most: int) -> None:
        for _ in range(most):
            if not run_next("walk", "prompt"):
                return

    def _do(self, do: Callable[[], object], *rooms: str) -> None:
        """Do it, or have it killed at a step of one of the rooms; Stripe may be away, and there may be nothing to do."""

        def do_or_leave() -> None:
            try:
                do()
            except (StripeUnavailable, NothingToRefund) as answer:
                self._tell(type(answer).__name__)

        if self._chance.randrange(KILLED_ONE_IN):
            with self.app.app_context():
                do_or_leave()
            return
        step = self._chance.choice(STOPS[self._chance.choice(rooms)])
        is_killed = is_killed_at(self.app, step, do_or_leave)
        self.kills += is_killed
        self._tell(f"{'killed' if is_killed else 'did not come'} at {step}")

    def _act(self, path: str, **fields: object) -> dict:
        """On Stripe's side; nothing, if it cannot be done."""
        try:
            return act(self.sandbox.url, path, **fields)
        except HTTPError as refusal:
            assert refusal.code in (400, 402, 404), refusal
            return {}

    def _on_a_payment(self, what: str, **fields: object) -> None:
        if self._payments:
            answer = self._act(f"{what}/{self._chance.choice(self._payments)}", **fields)
            self._tell(f"{fields} {answer.get('status')}")

    def _post(self, events: list[dict]) -> None:
        for event in events:
            assert notify(self.app.test_client(), json.dumps(event).encode()) == 200

    def _film(self) -> str:
        return self._chance.choice(list(FILMS))

    def _some_session(self, *states: str) -> str | None:
        mine = select(Order.stripe_session_id).where(
            Order.customer_id == self.person.id, Order.stripe_session_id.is_not(None)
        )
        return self._some(mine.where(Order.state.in_(states)) if states else mine)

    def _some(self, found):
        """One of what the query finds, mostly a late one; None if there is nothing."""
        with self.app.app_context():
            rows = list(db.session.scalars(found.order_by(*found.selected_columns.values()[:1])))
            db.session.expunge_all()
        return self._chance.choice(rows[-3:]) if rows else None

    def _tell(self, what: str) -> None:
        self.told.append(re.sub(r"[{}']", "", what))


STEPS: dict[Callable[[Walk], None], int] = {
    Walk._order: 6,
    Walk._order_gap: 3,
    Walk._pay: 10,
    Walk._come_back: 8,
    Walk._rent: 8,
    Walk._buy: 3,
    Walk._undo: 4,
    Walk._withdraw: 4,
    Walk._redeem: 3,
    Walk._end_debit: 4,
    Walk._refund_in_the_dashboard: 8,
    Walk._end_refund: 6,
    Walk._dispute: 5,
    Walk._refund: 8,
    Walk._end_debt: 2,
    Walk._refund_film: 2,
    Walk._work: 10,
    Walk._deliver: 10,
    Walk._fail: 5,
    Walk._kill_sandbox: 1,
}
"""What may happen, and how often beside the others."""

OPENING = (Walk._order, Walk._pay, Walk._come_back)
"""How a walk begins: most steps need something that was paid."""


def _refund_film(entitlement_id: int) -> None:
    with transaction() as session:
        refund_film(session, entitlement_id, "no sound", clock.now())


def _fine(answer: TestResponse) -> None:
    """Stripe may be away (503), and says so on a page; a fault of the shop's own is none of the answers."""
    said = re.search(r"<h1.*?</h1>", answer.text, re.DOTALL)
    assert answer.status_code < 500 or (answer.status_code == 503 and said), (answer.request.path, answer.status)
