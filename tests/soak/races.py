"""Many who want the same credit at once, in two processes of sixteen threads each."""

import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from store import clock
from store.db import transaction
from store.ledger.chart import GOODWILL, RENTAL_SALES
from store.ledger.post import InsufficientCredit, LockedWallet, NewLot, deposit, lock_wallets, spend
from store.prepaid_cards.codes import read
from store.prepaid_cards.redeem import Unredeemable, redeem
from tests.soak.processes import PROCESSES, in_two_processes

THREADS = 16

Lock = Callable[[Session, Iterable[int]], dict[int, LockedWallet]]


@dataclass
class Tally:
    """What became of the tries: cents taken from and given to each wallet, refusals, errors, and how long each try took."""

    moved: dict[int, int] = field(default_factory=dict)
    done: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def move(self, wallet_id: int, cents: int) -> None:
        """Note cents that were given, or (negative) taken."""
        self.moved[wallet_id] = self.moved.get(wallet_id, 0) + cents

    def add(self, other: "Tally") -> None:
        """Count the other's tries too."""
        for wallet_id, cents in other.moved.items():
            self.move(wallet_id, cents)
        self.done += other.done
        self.refused += other.refused
        self.errors += other.errors
        self.seconds += other.seconds

    def percentile(self, percent: int) -> float:
        """In seconds: so many percent of the tries took no longer."""
        return sorted(self.seconds)[(len(self.seconds) - 1) * percent // 100]


Try = Callable[[Session, random.Random, str], dict[int, int]]
"""One act under this key: the cents that it gives to each wallet."""


def spend_at_once(app: Flask, wallet_ids: list[int], cents: int, seconds: float, seed: int) -> Tally:
    """Everybody spends so many cents again and again, each time from any of the wallets."""

    def act(session: Session, chance: random.Random, key: str) -> dict[int, int]:
        wallet_id = chance.choice(wallet_ids)
        _spend(session, wallet_id, cents, key)
        return {wallet_id: -cents}

    return _at_once(app, act, seconds, seed)


def cross(app: Flask, wallet_ids: list[int], seconds: float, seed: int, lock: Lock = lock_wallets) -> Tally:
    """Everybody moves a cent from any wallet to any other, and holds both meanwhile, in whichever order `lock` takes them."""

    def act(session: Session, chance: random.Random, key: str) -> dict[int, int]:
        giver, taker = chance.sample(wallet_ids, 2)
        wallets = lock(session, [giver, taker])
        _spend(session, wallets[giver].id, 1, f"{key}:out")
        lots = [NewLot("paid", 1, GOODWILL)]
        deposit(session, wallets[taker], lots, kind="card", key=f"{key}:in", reference=key, at=clock.now())
        return {giver: -1, taker: 1}

    return _at_once(app, act, seconds, seed)


def redeem_at_once(app: Flask, codes: list[str], wallet_ids: tuple[int, int]) -> list[list[Any]]:
    """Two people enter each code at the same moment, each in a process of their own; for each code what they got."""
    barrier, keys = get_context("fork").Barrier(PROCESSES, timeout=60), app.config["CODE_KEYS"]

    def enter(code: str, number: int) -> Any:
        barrier.wait()
        try:
            with transaction() as session:
                return redeem(session, read(code), wallet_ids[number], keys=keys, at=clock.now())
        except Unredeemable:
            return None

    def enter_all(number: int) -> list[Any]:
        with app.app_context():
            return [enter(code, number) for code in codes]

    return [list(outcomes) for outcomes in zip(*in_two_processes(app, enter_all), strict=True)]


def _spend(session: Session, wallet_id: int, cents: int, key: str) -> None:
    sale = {"currency": "EUR", "kind": "rental", "sales_account": RENTAL_SALES, "vat_percent": Decimal(20)}
    spend(session, wallet_id, cents, **sale, key=key, reference=key, at=clock.now())


def _at_once(app: Flask, act: Try, seconds: float, seed: int) -> Tally:
    def work(process: int) -> Tally:
        barrier = threading.Barrier(THREADS)
        with ThreadPoolExecutor(THREADS) as pool:
            names = [f"{seed}:{process}:{thread}" for thread in range(THREADS)]
            tallies = list(pool.map(lambda name: _repeat(app, act, seconds, name, barrier), names))
        return _sum(tallies)

    return _sum(in_two_processes(app, work))


def _repeat(app: Flask, act: Try, seconds: float, name: str, barrier: threading.Barrier) -> Tally:
    chance, tally = random.Random(name), Tally()
    with app.app_context():
        barrier.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            _try(act, chance, f"{name}:{len(tally.seconds)}", tally)
    return tally


def _try(act: Try, chance: random.Random, key: str, tally: Tally) -> None:
    began = time.monotonic()
    try:
        with transaction() as session:
            moved = act(session, chance, key)
    except InsufficientCredit:
        tally.refused += 1
    except Exception as error:
        tally.errors.append(repr(error))
    else:
        tally.done += 1
        for wallet_id, cents in moved.items():
            tally.move(wallet_id, cents)
    tally.seconds.append(time.monotonic() - began)


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
