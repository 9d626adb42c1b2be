"""Walks through one shop, each by a customer of its own, each held against Stripe at its end."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import stripe
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout import clearing
from store.checkout.models import Dispute, Order, Refund
from store.checkout.reconcile import MARGIN, reconcile
from store.db import db
from store.ledger.chart import CHART
from tests.checkout.agreement import disagreements
from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.stripe_side import act
from tests.checkout.walk import FILMS, Walk
from tests.shop import Shop

SHORTEST, LONGEST = 10, 40
A_WHILE_S = round(MARGIN.total_seconds()) + 60


class Impatient(stripe.RequestsClient):
    """Stripe's SDK tries again as ever, and at once: what fails on demand is not better for being waited for."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0


@dataclass
class Walks:
    """The shop and the sandbox of some walks; counts steps, kills, and what the reconciler had to say at their ends."""

    app: Flask
    sandbox: OwnSandbox
    since: datetime = field(init=False)
    steps: int = 0
    kills: int = 0
    mended: int = 0

    def __post_init__(self) -> None:
        self.app.extensions["stripe_client"] = self.sandbox.ask(
            max_network_retries=2, http_client=Impatient(timeout=20)
        )
        self.since = self._let_time_pass()
        for slug, minutes in FILMS.items():
            Shop(self.app).film(slug, minutes)

    def walk(self, seed: int, first_fault: str | None = None) -> Iterator[str]:
        """One walk, its first call of Stripe's answered with a fault; a sentence for each violation, and then one for each step that led to it."""
        chance, began = random.Random(seed), self._let_time_pass()
        self.app.config["CARD_VAT_MODE"] = chance.choice(["multi", "single"])
        walk = Walk(self.app, self.sandbox, Shop(self.app).customer(f"walk-{seed}@example.org"), chance)
        if first_fault:
            act(self.sandbox.url, "faults", next=first_fault)
        try:
            walk.go(chance.randint(SHORTEST, LONGEST))
            found = list(self._at_the_end(walk, began, has_caught_up=chance.random() < 0.5))
        except Exception as error:
            found = [repr(error)]
        self.steps, self.kills = self.steps + walk.steps, self.kills + walk.kills
        if found:
            yield from (f"walk {seed}: {violation}" for violation in found)
            yield f"walk {seed} went: {'; '.join(walk.told)}"

    def whole(self) -> Iterator[str]:
        """What a reconciliation of all walks together says; after theirs, nothing."""
        with self.app.app_context():
            yield from (f"a reconciliation of all walks says: {it}" for it in reconcile(self.since, clock.now()))

    def happened(self) -> Counter[str]:
        """How many orders were paid, and refunds and disputes by what became of them."""
        with self.app.app_context():
            refunds = db.session.execute(select(Refund.origin, Refund.state)).all()
            return Counter(
                [f"order {state}" for state in db.session.scalars(select(Order.state))]
                + [f"refund by {origin} {state}" for origin, state in refunds]
                + [f"dispute {state}" for state in db.session.scalars(select(Dispute.state))]
            )

    def _at_the_end(self, walk: Walk, began: datetime, *, has_caught_up: bool) -> Iterator[str]:
        """Agreement after a first reconciliation; and what comes late, or a second one, finds nothing more to do."""
        if has_caught_up:
            yield from walk.catch_up()
        self._let_time_pass()
        self.mended += len(walk.reconcile(began))
        yield from (f"the second reconciliation says: {difference}" for difference in walk.reconcile(began))
        yield from self._disagreements(walk, began)
        before = self._sums()
        yield from walk.catch_up()
        if self._sums() != before:
            yield f"what came late moved money: {before}, then {self._sums()}"
        yield from (f"the last reconciliation says: {difference}" for difference in walk.reconcile(began))
        yield from self._disagreements(walk, began)

    def _let_time_pass(self) -> datetime:
        """On both clocks, so much that no reconciliation from then on sees what was before; the shop's time afterwards.

        A reconciliation leaves to the worker what was asked for just now: so this comes before it.
        """
        self.app.config["SHOP_CLOCK_OFFSET_S"] += A_WHILE_S
        act(self.sandbox.url, "clock", advance_s=A_WHILE_S)
        with self.app.app_context():
            return clock.now()

    def _disagreements(self, walk: Walk, began: datetime) -> list[str]:
        with self.app.app_context():
            return list(disagreements(db.session, self.sandbox.ask(), walk.person, began))

    def _sums(self) -> dict[str, int]:
        with self.app.app_context():
            return {account.code: clearing.balance_of(db.session, account.code) for account in CHART}
