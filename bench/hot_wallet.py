"""Everybody spends from one wallet at once: how fast, and that nothing is spent that is not there."""

from functools import partial

from flask import Flask
from sqlalchemy import func, select

from bench import Verdict, at_least
from bench.clients import Crew, Pace
from bench.rounds import alternate, compare
from bench.shop import Environ, statements_of
from bench.spends import (
    HOT_PURSE,
    INEXHAUSTIBLE_CENTS,
    PRICE_CENTS,
    bare_spending_elsewhere,
    new_wallets,
    put_credit,
    refill_hot_purse,
    spending,
    spending_elsewhere,
)
from store import clock
from store.db import db, snapshot, transaction
from store.ledger.models import Lot
from store.ledger.post import open_wallet
from store.ledger.reconcile import differences

ENOUGH_CENTS = INEXHAUSTIBLE_CENTS // 1000
SCARCE_CENTS = 20 * PRICE_CENTS + PRICE_CENTS // 3
LEAST_RATIO = 0.8


def measure_hot_wallet(app: Flask, environ: Environ, processes: int, threads: int) -> list[Verdict]:
    """A row for a wallet that has enough for all, and one for a wallet that has far too little in each round."""
    statements = statements_of(app, spending(app, new_wallets(app, 1)))
    clients = f"{processes} × {threads}" if threads > 1 else f"{processes}"
    hot, scarce = _HotWallet(app, environ, ENOUGH_CENTS), _HotWallet(app, environ, SCARCE_CENTS)
    what = f"{clients} on one wallet / on a bare row"
    ratio = hot.race(what, statements, processes, threads)
    scarce.race(f"{clients} on too little / on a bare row", statements, processes, threads)
    with app.app_context(), snapshot() as session:
        found = list(differences(session))
    return [
        at_least(what, ratio, LEAST_RATIO),
        hot.verdict("enough"),
        scarce.verdict("too little", runs_dry=True),
        (not found, "; ".join([f"ledger check after it: {len(found)} differences", *found[:3]])),
    ]


class _HotWallet:
    """A wallet that gets the same cents before each round, and the count of the spends that its clients were told of."""

    def __init__(self, app: Flask, environ: Environ, cents: int) -> None:
        self._app, self._environ, self._cents = app, environ, cents
        self._given = self._done = 0
        with app.app_context(), transaction() as session:
            self._id = open_wallet(session, "EUR", clock.now())

    def race(self, name: str, statements: int, processes: int, threads: int) -> float:
        """Let clients spend from it, and as many from a bare row that holds as much; returns the ratio."""
        hire_ours = partial(spending_elsewhere, self._environ, [self._id])
        hire_theirs = partial(bare_spending_elsewhere, self._environ, [HOT_PURSE])
        with Crew(hire_ours, processes, threads) as ours, Crew(hire_theirs, processes, threads) as theirs:
            paces = alternate(ours=partial(self._pace, ours), theirs=partial(self._bare_pace, theirs))
        return compare(name, statements, paces["ours"], paces["theirs"], may_refuse=True)

    def verdict(self, what: str, runs_dry: bool = False) -> Verdict:
        """Whether each spend took its price once, no lot fell below zero, and, where it runs dry, as many took place as could."""
        with self._app.app_context():
            lowest, left = db.session.execute(
                select(func.min(Lot.remaining), func.sum(Lot.remaining)).where(Lot.wallet_id == self._id)
            ).one()
        is_exact = lowest >= 0 and left == self._given - self._done * PRICE_CENTS
        is_met = is_exact and (left < PRICE_CENTS or not runs_dry)
        return is_met, f"{what} in one wallet: {self._done} spends of {PRICE_CENTS} of {self._given} cents leave {left}"

    def _pace(self, crew: Crew, seconds: float) -> Pace:
        put_credit(self._app, self._id, self._cents)
        pace = crew.pace(seconds)
        self._given, self._done = self._given + self._cents, self._done + pace.done
        return pace

    def _bare_pace(self, crew: Crew, seconds: float) -> Pace:
        refill_hot_purse(self._app, self._cents)
        return crew.pace(seconds)
