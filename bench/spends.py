"""What spends: `rent()`, the ledger's `spend` alone, and the reference, a bare one-statement spend on the same engine."""

import itertools
import os
from collections.abc import Sequence
from functools import partial

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bench import Verdict, at_least, row
from bench.clients import Client, in_threads
from bench.rounds import alternate, compare
from bench.shop import Environ, owner_of, statements_of
from config import load
from store import clock, create_app
from store.catalogue.models import Film
from store.customers.models import Customer
from store.customers.register import register
from store.db import transaction
from store.ledger.chart import GOODWILL, RENTAL_SALES
from store.ledger.post import InsufficientCredit, NewLot, deposit, lock_wallet, open_wallet, spend
from store.rentals.rent import Terms, rent

CUSTOMERS = 250
CREDIT_CENTS = 300_00
PRICE_CENTS = 350
INEXHAUSTIBLE_CENTS = 10**12
HOT_PURSE = CUSTOMERS
"""A purse that everybody spends from at once."""

BARE_SPEND = text(
    f"UPDATE bench_purse SET remaining = remaining - {PRICE_CENTS} WHERE id = :id AND remaining >= {PRICE_CENTS}"
)

LEAST_RENT_RATIO = 0.3

_SERIALS = itertools.count()  # its next() is atomic, so that threads may share it


def measure_rents(app: Flask) -> list[Verdict]:
    """Print a row of `rent()` for 1 and for 8 threads."""
    renter, bare = renting(app), bare_spending(app)
    statements = statements_of(app, renter)
    row("rent() / bare UPDATE", "rent/s", "bare/s", "ratio", "statements", "CPU ms")
    ratios = {}
    for threads in (1, 8):
        paces = alternate(
            rents=partial(in_threads, renter, threads=threads), bare=partial(in_threads, bare, threads=threads)
        )
        ratios[threads] = compare(f"{threads} thread(s)", statements, paces["rents"], paces["bare"])
    return [at_least("rent() / bare UPDATE", ratios[1], LEAST_RENT_RATIO)]


def renting(app: Flask) -> Client:
    """Rents, each time, another film or for another customer."""
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
    rentals = itertools.product(slugs, customers)
    terms = Terms(app.config["RENTAL_START_DAYS"], app.config["SHOP_VAT_PERCENT"])

    def act() -> bool:
        slug, (customer_id, wallet_id) = next(rentals)
        with transaction() as session:
            assert rent(session, customer_id, wallet_id, slug, terms, clock.now()).is_new
        return True

    return Client(act, app.app_context)


def new_wallets(app: Flask, count: int) -> list[int]:
    """The ids of wallets that each hold two paid lots, without end."""
    with app.app_context(), transaction() as session:
        return [_new_wallet(session) for _ in range(count)]


def put_credit(app: Flask, wallet_id: int, cents: int) -> None:
    """Put a paid lot into the wallet."""
    with app.app_context(), transaction() as session:
        _fill(session, wallet_id, cents)


def spending(app: Flask, wallet_ids: Sequence[int]) -> Client:
    """Spends from one wallet after the other, as far as its credit goes; each time under a key of its own."""
    wallets = itertools.cycle(wallet_ids)
    vat_percent = app.config["SHOP_VAT_PERCENT"]
    terms = {"currency": "EUR", "kind": "rental", "sales_account": RENTAL_SALES, "vat_percent": vat_percent}

    def act() -> bool:
        key = _new_key()
        try:
            with transaction() as session:
                spend(session, next(wallets), PRICE_CENTS, **terms, key=key, reference=key, at=clock.now())
        except InsufficientCredit:
            return False
        return True

    return Client(act, app.app_context)


def spending_elsewhere(environ: Environ, wallet_ids: Sequence[int]) -> Client:
    """`spending`, in a process that has no shop yet; each begins with another wallet."""
    first = os.getpid() % len(wallet_ids)
    return spending(create_app(load(environ)), [*wallet_ids[first:], *wallet_ids[:first]])


def lay_purses(app: Flask) -> None:
    """A table beside the books, for the bare spend."""
    with owner_of(app) as engine, engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE bench_purse (id BIGINT PRIMARY KEY, remaining BIGINT CHECK (remaining >= 0))")
        )
        purses = [{"id": serial, "remaining": INEXHAUSTIBLE_CENTS} for serial in range(CUSTOMERS)]
        connection.execute(
            text("INSERT INTO bench_purse VALUES (:id, :remaining)"), [*purses, {"id": HOT_PURSE, "remaining": 0}]
        )


def refill_hot_purse(app: Flask, cents: int) -> None:
    """Let the hot purse hold so much."""
    with owner_of(app) as engine, engine.begin() as connection:
        connection.execute(
            text("UPDATE bench_purse SET remaining = :cents WHERE id = :id"), {"cents": cents, "id": HOT_PURSE}
        )


def bare_spending(app: Flask, purses: Sequence[int] = range(CUSTOMERS)) -> Client:
    """Spends from another purse each time, behind the same gate: without it threads would wait in SQLite's busy loop."""
    engine, gate = app.extensions["write_engine"], app.extensions["write_gate"]
    serials = itertools.cycle(purses)

    def act() -> bool:
        with gate, engine.begin() as connection:
            return connection.execute(BARE_SPEND, {"id": next(serials)}).rowcount == 1

    return Client(act)


def bare_spending_elsewhere(environ: Environ, purses: Sequence[int]) -> Client:
    """`bare_spending`, in a process that has no shop yet."""
    return bare_spending(create_app(load(environ)), purses)


def _new_wallet(session: Session) -> int:
    wallet_id = open_wallet(session, "EUR", clock.now())
    for _ in range(2):
        _fill(session, wallet_id, INEXHAUSTIBLE_CENTS)
    return wallet_id


def _fill(session: Session, wallet_id: int, cents: int) -> None:
    key, lots = _new_key(), [NewLot("paid", cents, GOODWILL)]
    deposit(session, lock_wallet(session, wallet_id), lots, kind="card", key=key, reference=key, at=clock.now())


def _new_key() -> str:
    return f"bench:{os.getpid()}:{next(_SERIALS)}"
