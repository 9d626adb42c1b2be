"""A process that sells, redeems, spends, refunds and expires in several threads, until somebody kills it.

Started again, it first tries once more whatever its diary holds no answer to, under the same keys.
"""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from store import create_app
from store.db import db, transaction
from store.gateways.child_process import die_with_parent
from store.ledger.chart import RENTAL_SALES, STRIPE_CLEARING
from store.ledger.models import Journal
from store.ledger.post import InsufficientCredit, lock_wallet, reverse, spend
from store.prepaid_cards.activate import activate
from store.prepaid_cards.expire import Ending, book_expiry, expired_lots
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.issue import issue_for_order
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.redeem import Unredeemable, redeem, redeemed_into
from store.prepaid_cards.wallet_limit import WalletFull
from tests.soak.diary import DONE, FAILED, REFUSED, Act, Answer, Diary

THREADS = 4
CREDIT_OF_PRICE = {10_00: 10_00, 20_00: 21_00, 50_00: 55_00}
KINDS = {"buy": 15, "gift": 10, "redeem": 15, "spend": 40, "refund": 12, "expire": 8}
RECENT = 20
"""Cards and spends that are still of interest, so that threads meet at them."""

DAYS_IN_A_SECOND = 100
"""How fast the worker's time runs, so that bonus credit ends while one looks on."""

BEGINNING = datetime(2026, 11, 24, tzinfo=UTC)
SERVER_IS_GONE = ("57P", "08")
"""How SQLSTATEs begin that say so (PostgreSQL manual, appendix A); a lost connection has none at all."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to know; `began` is when its time began, in seconds since 1970."""

    settings: dict[str, Any]
    people: list[tuple[int, int]]
    diary: Path
    began: float
    seed: str
    is_last: bool = False


def work(job: Job, up: Connection) -> None:
    """Do the job until killed; the last one only finishes what has no answer yet. `up` gets a word after the first answer."""
    die_with_parent()
    app = create_app(job.settings)
    worker = Worker(app, job, up)
    worker.finish()
    if job.is_last:
        return
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(worker.go_on, thread) for thread in range(THREADS)]:
            done.result()


class Worker:
    """Tries acts and writes their answers down."""

    def __init__(self, app: Flask, job: Job, up: Connection) -> None:
        self.app, self.job = app, job
        self.diary = Diary(job.diary)
        self._up = up
        self._news = threading.Lock()
        self._is_cut_off = True

    def finish(self) -> None:
        """Try what has no answer."""
        for act in self.diary.unanswered():
            self._try(act)

    def go_on(self, thread: int) -> None:
        """Think of new acts for ever."""
        chance = random.Random(f"{self.job.seed}:{thread}")
        for number in itertools.count():
            for act in self._thought_of(chance, f"{self.job.seed}:{thread}:{number}"):
                self.diary.ask(act)
                self._try(act)

    def _thought_of(self, chance: random.Random, key: str) -> Iterator[Act]:
        [kind] = chance.choices(list(KINDS), list(KINDS.values()))
        person = chance.randrange(len(self.job.people))
        if kind in ("buy", "gift"):
            yield Act(key, kind, person, chance.choice(list(CREDIT_OF_PRICE)), "")
        elif kind == "spend":
            yield Act(key, kind, person, chance.randint(1, 40_00), "")
        elif kind == "expire":
            for ending in self._ends():
                yield Act(f"{key}:{ending.lot_id}", kind, self._owner(ending), 0, str(ending.lot_id))
        elif earlier := self._recent("gift" if kind == "redeem" else "spend"):
            of = chance.choice(earlier)
            if kind == "redeem":
                yield Act(key, kind, person, of.cents, of.key)
            else:
                yield Act(f"{of.key}:refund", kind, of.person, of.cents, of.key)

    def _recent(self, kind: str) -> list[Act]:
        answers = list(self.diary.answered.values())[-20 * RECENT :]
        acts = (self.diary.asked[answer.key] for answer in answers if answer.outcome == DONE)
        return [act for act in acts if act.kind == kind][-RECENT:]

    def _ends(self) -> list[Ending]:
        try:
            with self.app.app_context():
                return expired_lots(db.session, self._now(), RECENT)
        except DBAPIError as error:
            if _is_gone(error):
                return []
            raise

    def _owner(self, ending: Ending) -> int:
        return [wallet_id for _, wallet_id in self.job.people].index(ending.wallet_id)

    def _try(self, act: Act) -> None:
        """Try until there is an answer, however often the server goes away."""
        while True:
            try:
                answer = Answer(act.key, DONE, self._do(act), "")
            except (InsufficientCredit, Unredeemable, WalletFull):
                answer = Answer(act.key, REFUSED, 0, "")
            except DBAPIError as error:
                if _is_gone(error):
                    self._is_cut_off = True
                    time.sleep(0.02)  # nothing tells when the server is back: asking again is what a client can do
                    continue
                answer = Answer(act.key, FAILED, 0, repr(error))
            except Exception as error:
                answer = Answer(act.key, FAILED, 0, repr(error))
            self.diary.answer(answer)
            self._tell()
            return

    def _tell(self) -> None:
        """Say that there is an answer again, once each time."""
        with self._news:
            if self._is_cut_off:
                self._is_cut_off = False
                self._up.send(time.monotonic())

    def _do(self, act: Act) -> int:
        """Do it as a request would; the cents that a sweep ended, otherwise 0."""
        with self.app.app_context():
            code = self._code(act.of) if act.kind == "redeem" else ""
            with transaction() as session:
                if act.kind == "redeem":
                    self._redeem(session, act, code)
                elif act.kind == "expire":
                    return book_expiry(session, Ending(int(act.of), self._wallet_id(act)), self._now())
                elif act.kind == "spend":
                    self._spend(session, act)
                elif act.kind == "refund":
                    self._refund(session, act)
                else:
                    self._sell(session, act)
        return 0

    def _sell(self, session: Session, act: Act) -> None:
        customer_id, wallet_id = self.job.people[act.person]
        issue_for_order(
            session,
            references=[act.key],
            purpose="self" if act.kind == "buy" else "gift",
            price_cents=act.cents,
            credit_cents=CREDIT_OF_PRICE[act.cents],
            currency="EUR",
            bought_by=customer_id,
            at=self._now(),
            keys=self._keys,
        )
        into = wallet_id if act.kind == "buy" else None
        activate(session, {act.key: act.key}, funded_by=STRIPE_CLEARING, wallet_id=into, at=self._now())

    def _redeem(self, session: Session, act: Act, code: str) -> None:
        try:
            redeem(session, code, self._wallet_id(act), keys=self._keys, at=self._now())
        except Unredeemable:
            card_id = session.scalars(select(PrepaidCard.id).where(PrepaidCard.reference == act.of)).one()
            if redeemed_into(session, card_id, self._wallet_id(act)) is None:
                raise

    def _spend(self, session: Session, act: Act) -> None:
        sale = {"currency": "EUR", "kind": "rental", "sales_account": RENTAL_SALES, "vat_percent": Decimal(20)}
        spend(session, self._wallet_id(act), act.cents, **sale, key=act.key, reference=act.key, at=self._now())

    def _refund(self, session: Session, act: Act) -> None:
        wallet = lock_wallet(session, self._wallet_id(act))
        journal_id = session.scalars(select(Journal.id).where(Journal.idempotency_key == act.of)).one()
        reverse(session, wallet, journal_id, kind="undone", key=act.key, at=self._now())

    def _code(self, reference: str) -> str:
        card = db.session.scalars(select(PrepaidCard).where(PrepaidCard.reference == reference)).one()
        return code_on(self._keys, card)

    def _wallet_id(self, act: Act) -> int:
        return self.job.people[act.person][1]

    def _now(self) -> datetime:
        return BEGINNING + timedelta(days=DAYS_IN_A_SECOND * (time.time() - self.job.began))

    @property
    def _keys(self) -> Any:
        return self.app.config["CODE_KEYS"]


def _is_gone(error: DBAPIError) -> bool:
    """Whether PostgreSQL's server went away or is not back yet. SQLite has no server, and its errors count."""
    if not type(error.orig).__module__.startswith("psycopg"):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(SERVER_IS_GONE)
