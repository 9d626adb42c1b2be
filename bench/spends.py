"""`rent()` against a bare one-statement spend: the same engine, the same database, each in a transaction of its own."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from flask import Flask
from sqlalchemy import select, text

from bench import ROUNDS, SECONDS, row
from bench.shop import counted_queries, owner_of
from store import clock
from store.catalogue.models import Film
from store.customers.models import Customer
from store.customers.register import register
from store.db import transaction
from store.ledger.chart import GOODWILL
from store.ledger.post import NewLot, deposit, lock_wallet
from store.rentals.rent import Terms, rent

CUSTOMERS = 250
CREDIT_CENTS = 300_00
BARE_CENTS = 10**12
BARE_SPEND = text("UPDATE bench_purse SET remaining = remaining - 350 WHERE id = :id AND remaining >= 350")

Act = Callable[[], None]


def measure_spends(app: Flask) -> float:
    """Print a row for 1 and for 8 threads; returns the ratio of one thread."""
    rent_next, spend_next = _renting(app), _bare_spending(app)
    with counted_queries(app) as queries, app.app_context():
        rent_next()
    row("spend", "rent/s", "bare/s", "ratio", "queries", "CPU ms")
    ratios = {}
    for threads in (1, 8):
        rounds = [(*_pace(app, rent_next, threads), *_pace(app, spend_next, threads)) for _ in range(ROUNDS)]
        rate, cpu_ms, bare_rate, bare_ms = (median(column) for column in zip(*rounds, strict=True))
        ratios[threads] = median(rented / bare for rented, _, bare, _ in rounds)
        figures = (
            f"{rate:.0f}",
            f"{bare_rate:.0f}",
            f"{ratios[threads]:.3f}",
            str(len(queries)),
            f"{cpu_ms - bare_ms:.2f}",
        )
        row(f"rent(), {threads} thread(s)", *figures)
    return ratios[1]


def _renting(app: Flask) -> Act:
    """Rents, each time it is called, another film or for another customer."""
    with app.app_context(), transaction() as session:
        for serial in range(CUSTOMERS):
            email = f"bench-{serial}@example.org"
            customer_id = register(session, email=email, name="Banc", password_hash="", currency="EUR", at=clock.now())
            wallet_id = session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one()
            lots = [NewLot("paid", CREDIT_CENTS, GOODWILL)]
            deposit(
                session, lock_wallet(session, wallet_id), lots, kind="card", key=email, reference=email, at=clock.now()
            )
        slugs = session.scalars(select(Film.slug)).all()
        customers = session.execute(select(Customer.id, Customer.wallet_id).where(Customer.name == "Banc")).all()
    rentals = itertools.product(slugs, customers)  # its next() is atomic, so that threads may share it
    terms = Terms(app.config["RENTAL_START_DAYS"], app.config["SHOP_VAT_PERCENT"])

    def act() -> None:
        slug, (customer_id, wallet_id) = next(rentals)
        with transaction() as session:
            assert rent(session, customer_id, wallet_id, slug, terms, clock.now()).is_new

    return act


def _bare_spending(app: Flask) -> Act:
    """Spends from another purse each time, behind the same gate: without it threads would wait in SQLite's busy loop."""
    engine, gate = app.extensions["write_engine"], app.extensions["write_gate"]
    with app.app_context(), owner_of(app).begin() as connection:
        connection.execute(
            text("CREATE TABLE bench_purse (id BIGINT PRIMARY KEY, remaining BIGINT CHECK (remaining >= 0))")
        )
        purses = [{"id": serial, "remaining": BARE_CENTS} for serial in range(CUSTOMERS)]
        connection.execute(text("INSERT INTO bench_purse VALUES (:id, :remaining)"), purses)
    serials = itertools.cycle(range(CUSTOMERS))

    def act() -> None:
        with gate, engine.begin() as connection:
            assert connection.execute(BARE_SPEND, {"id": next(serials)}).rowcount == 1

    return act


def _pace(app: Flask, act: Act, threads: int) -> tuple[float, float]:
    """How often per second `threads` threads can do it together, and this process's CPU milliseconds for each time."""
    began, cpu_began = time.monotonic(), time.process_time()

    def repeat() -> int:
        done = 0
        with app.app_context():
            while time.monotonic() - began < SECONDS:
                act()
                done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(future.result() for future in [pool.submit(repeat) for _ in range(threads)])
    return done / (time.monotonic() - began), (time.process_time() - cpu_began) * 1000 / done
