"""Kill a worker again and again, and hold the books against its diary each time."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import case, func, select

from store.db import db
from store.ledger.chart import LOT_ACCOUNTS, UNREDEEMED_CARDS
from store.ledger.models import Journal, Lot, Posting
from store.ledger.reconcile import differences
from store.prepaid_cards.models import PrepaidCard
from tests.soak.diary import FAILED, REFUSED, Act, Diary
from tests.soak.worker import CREDIT_OF_PRICE, Job, work

UP_AGAIN_S = 20
PATIENCE_S = 60
LONGEST_LIFE_S = 0.4
COLD_EVERY = 10
"""Of so many starts one is a new interpreter, the others forks that have imported everything already."""

AT_START_EVERY = 7
"""Of so many kills one does not wait until the worker is up."""


class Effect(NamedTuple):
    """What a journal is, and what it gives (or, negative, takes): cents of a wallet, cents of unredeemed cards."""

    key: str
    wallet_id: int | None
    credit: int
    unredeemed: int


@dataclass
class Report:
    """What happened: how often something was killed, the longest wait for the first answer after it, what was wrong."""

    kills: int = 0
    answers: int = 0
    cold_starts: int = 0
    slowest_start_s: float = 0
    server_crashes: int = 0
    slowest_recovery_s: float = 0
    complaints: list[str] = field(default_factory=list)


class Campaign:
    """One shop, one diary, any number of kills."""

    def __init__(self, app: Flask, settings: dict[str, Any], people: list[tuple[int, int]], folder: Path, seed: int):
        self.app, self.settings, self.people = app, settings, people
        self.path, self.seed, self.began = folder / "diary.jsonl", seed, time.time()
        self.report = Report()
        self._chance = random.Random(seed)

    def kill(self, crash_server: Callable[[], float] | None = None) -> None:
        """Start a worker, kill it at a random moment, compare. `crash_server` kills what it works with first, and says when."""
        is_cold = self.report.kills % COLD_EVERY == COLD_EVERY - 1
        began = time.monotonic()
        process, up = self._start(is_cold=is_cold)
        try:
            if crash_server or self.report.kills % AT_START_EVERY != AT_START_EVERY - 1:
                waited = self._wait(up, began)
                self.report.slowest_start_s = max(self.report.slowest_start_s, waited)
            process.join(self._chance.uniform(0, LONGEST_LIFE_S))
            if crash_server:
                waited = self._wait(up, crash_server())
                self.report.server_crashes += 1
                self.report.slowest_recovery_s = max(self.report.slowest_recovery_s, waited)
            if not process.is_alive():
                self.report.complaints.append("the worker ended by itself")
        finally:
            process.kill()
            process.join()
        self.report.kills += 1
        self.report.cold_starts += is_cold
        self.compare()

    def finish(self) -> None:
        """Let a last worker answer everything, and compare."""
        process, _up = self._start(is_last=True)
        process.join(PATIENCE_S)
        if process.exitcode != 0:
            self.report.complaints.append(f"the last worker ended with {process.exitcode}")
        process.kill()
        process.join()
        diary = self.compare()
        self.report.answers = len(diary.answered)
        self.report.complaints += [f"{act} has no answer" for act in diary.unanswered()]

    def compare(self) -> Diary:
        """Add what the books and the diary do not agree on to the complaints."""
        diary = Diary(self.path)
        diary.close()
        with self.app.app_context():
            found = [*differences(db.session), *_disagreements(diary, self.people)]
        self.report.complaints += [complaint for complaint in found if complaint not in self.report.complaints]
        return diary

    def _start(self, *, is_cold: bool = False, is_last: bool = False) -> tuple[BaseProcess, Connection]:
        with self.app.app_context():
            db.engine.dispose()  # no connection is shared with a fork
        seed = f"{self.seed}:{self.report.kills}"
        job = Job(self.settings, self.people, self.path, self.began, seed, is_last)
        context = multiprocessing.get_context("spawn" if is_cold else "fork")
        up, tell = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(job, tell), daemon=True)
        process.start()
        tell.close()
        return process, up

    def _wait(self, up: Connection, began: float) -> float:
        """Seconds from `began` until the worker has an answer (again)."""
        waited = -1.0
        try:
            while waited < 0:
                waited = up.recv() - began if up.poll(PATIENCE_S) else float(PATIENCE_S)
        except EOFError:
            self.report.complaints.append("the worker ended before its first answer")
            return 0
        if waited >= UP_AGAIN_S:
            self.report.complaints.append(f"up again after {waited:.1f} s only")
        return waited


def _disagreements(diary: Diary, people: list[tuple[int, int]]) -> Iterator[str]:
    cards = dict(db.session.execute(select(PrepaidCard.reference, PrepaidCard.id)).all())
    found, booked_ends = _booked()
    allowed = set()
    for act in diary.asked.values():
        answer = diary.answered.get(act.key)
        if answer and answer.outcome == FAILED:
            yield f"{act} failed: {answer.failure}"
        elif act.kind != "expire" and not (answer and answer.outcome == REFUSED):
            effect = _effect(act, people[act.person][1], cards)
            allowed.add(effect)
            if answer and effect not in found:
                yield f"{act} was acknowledged and is not in the books"
    yield from (f"{effect} is in the books and nobody was told" for effect in found - allowed)
    for lot_id, cents in _acknowledged_ends(diary).items():
        if cents > booked_ends.get(lot_id, 0):
            yield f"of lot {lot_id} the end of {cents} cents was acknowledged, the books say {booked_ends.get(lot_id, 0)}"


def _effect(act: Act, wallet_id: int, cards: dict[str, int]) -> Effect:
    """What this act must have done."""
    if act.kind == "buy":
        return Effect(act.key, wallet_id, CREDIT_OF_PRICE[act.cents], 0)
    if act.kind == "gift":
        return Effect(act.key, None, 0, act.cents)
    if act.kind == "redeem":
        return Effect(f"card:{cards[act.of]}:redemption", wallet_id, CREDIT_OF_PRICE[act.cents], -act.cents)
    return Effect(act.key, wallet_id, act.cents if act.kind == "refund" else -act.cents, 0)


def _booked() -> tuple[set[Effect], dict[int, int]]:
    """What every journal did, and apart from them the cents of each lot whose end was booked."""
    credit = case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=0) - case(
        (Posting.debit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=0
    )
    unredeemed = case((Posting.credit_account == UNREDEEMED_CARDS, Posting.amount), else_=0) - case(
        (Posting.debit_account == UNREDEEMED_CARDS, Posting.amount), else_=0
    )
    rows = db.session.execute(
        select(
            Journal.kind,
            Journal.idempotency_key,
            func.max(Lot.wallet_id),
            func.max(Posting.lot_id),
            func.sum(credit),
            func.sum(unredeemed),
        )
        .join(Posting, Posting.journal_id == Journal.id)
        .outerjoin(Lot, Lot.id == Posting.lot_id)
        .group_by(Journal.id)
    )
    effects, ends = set(), Counter[int]()
    for kind, key, wallet_id, lot_id, given, aside in rows:
        if kind == "expiry":
            ends[lot_id] -= given
        else:
            effects.add(Effect(key, wallet_id, int(given), int(aside)))
    return effects, ends


def _acknowledged_ends(diary: Diary) -> dict[int, int]:
    cents = Counter[int]()
    for act in diary.asked.values():
        if act.kind == "expire" and act.key in diary.answered:
            cents[int(act.of)] += diary.answered[act.key].cents
    return cents
