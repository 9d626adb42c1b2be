"""Thin books beside thick ones: what a balance and a spend cost among a million postings, others' or one's own."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from flask import Flask
from sqlalchemy import text

from bench import Verdict, at_most
from bench.bulk import POSTINGS_PER_LOT, give_past
from bench.clients import Client, in_threads
from bench.rounds import alternate, compare
from bench.shop import Host, new_shop, owner_of, statements_of
from bench.spends import new_wallets, spending
from store import clock
from store.db import db, transaction
from store.ledger.balance import credit_of
from store.ledger.post import open_wallet

FEW, MANY = 1_000, 1_000_000
"""Postings, half of them in the past of one wallet, half in that of many."""

MEASURED = 100
LOTS_OF_OTHERS = 5
MOST_TIMES = 1.2

Hire = Callable[[Flask, Sequence[int]], Client]
Wallets = dict[str, list[int]]
"""Those that are measured: many that have no past, and the one that has."""


def measure_books(host: Host) -> list[Verdict]:
    """Rows for balance and spend: of wallets without a past, then of the one to which half of all postings belong."""
    verdicts = []
    acts: dict[str, Hire] = {"balance": looking, "spend": spending}
    with new_shop(host, "thin") as (thin, _), new_shop(host, "thick") as (thick, _):
        thin_wallets, thick_wallets = _filled(thin, FEW), _filled(thick, MANY)
        for (act, hire), where in itertools.product(acts.items(), thick_wallets):
            ours, theirs = hire(thick, thick_wallets[where]), hire(thin, thin_wallets[where])
            paces = alternate(ours=partial(in_threads, ours), theirs=partial(in_threads, theirs))
            name = f"{act} among 10⁶ / 10³{where}"
            ratio = compare(name, statements_of(thick, ours), paces["ours"], paces["theirs"])
            verdicts.append(at_most(f"{name}, time", 1 / ratio, MOST_TIMES))
    return verdicts


def looking(app: Flask, wallet_ids: Sequence[int]) -> Client:
    """Asks for the balance of one wallet after the other, each time in a read of its own as a page does."""
    wallets = itertools.cycle(wallet_ids)

    def act() -> bool:
        db.session.rollback()
        return credit_of(db.session, next(wallets), clock.now()) > 0

    return Client(act, app.app_context)


def _filled(app: Flask, postings: int) -> Wallets:
    """Books with so many postings, and wallets in them to measure, all with the same credit."""
    lots = round(postings / 2 / POSTINGS_PER_LOT)
    with app.app_context(), transaction() as session:
        others = [open_wallet(session, "EUR", clock.now()) for _ in range(lots // LOTS_OF_OTHERS)]
    young, [old] = new_wallets(app, MEASURED), new_wallets(app, 1)
    pasts = [
        partial(give_past, app, others, LOTS_OF_OTHERS, f"{postings // 2:,} postings in other wallets"),
        partial(give_past, app, [old], lots, f"{postings // 2:,} postings in one wallet's past"),
    ]
    if app.config["DATABASE_URL"].startswith("sqlite"):  # which has one writer
        for past in pasts:
            past()
    else:
        with ThreadPoolExecutor(len(pasts)) as pool:
            list(pool.map(lambda past: past(), pasts))
        _vacuum(app)
    return {"": young, ", half its own": [old]}


def _vacuum(app: Flask) -> None:
    """Have done what PostgreSQL does by itself in books that grow over years, so that no round pays for it."""
    with owner_of(app) as engine, engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        connection.execute(text("CHECKPOINT"))
