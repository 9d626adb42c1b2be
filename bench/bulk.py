"""A long past, written by the database itself: statements that make whole sets, through the same triggers as any posting."""

from collections.abc import Iterator, Sequence

from flask import Flask
from sqlalchemy import Connection, text

from bench.shop import owner_of

FILMS_PER_LOT = 50
POSTINGS_PER_LOT = 1 + 2 * FILMS_PER_LOT
"""The one that fills it, and two for each film: the sale and its VAT."""

LOTS_AT_ONCE = 500
STEPS_OF_PROGRESS = 5

NUMBERS = {
    "sqlite": "(WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {last}) SELECT n FROM up)",
    "postgresql": "(SELECT generate_series(1, {last}) AS n)",
}
LOTS = """
    INSERT INTO lot (wallet_id, kind, reference, initial, remaining, created_at)
    SELECT wallet.id, 'paid', 'bulk', 350 * {films}, 0, '2020-01-01 00:00:00'
    FROM wallet, {lot_numbers} AS lot_number WHERE wallet.id BETWEEN {first_wallet} AND {last_wallet}
"""
JOURNALS = """
    INSERT INTO journal (kind, idempotency_key, request_hash, reference, currency, at)
    SELECT CASE film.n WHEN 1 THEN 'card' ELSE 'rental' END,
        'bulk:' || lot.id || ':' || film.n, 'bulk', 'bulk:' || lot.id, 'EUR', '2020-01-01 00:00:00'
    FROM lot, {journal_numbers} AS film WHERE {these_lots} ORDER BY lot.id, film.n
"""
FILLINGS = """
    INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
    SELECT journal.id, 'goodwill', 'stored_value', lot.initial, lot.id
    FROM lot JOIN journal ON journal.reference = 'bulk:' || lot.id WHERE {these_lots} AND journal.kind = 'card'
"""
SALES = """
    INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
    SELECT journal.id, 'stored_value', part.account, part.amount, lot.id
    FROM lot JOIN journal ON journal.reference = 'bulk:' || lot.id,
        (SELECT 'rental_sales' AS account, 292 AS amount UNION ALL SELECT 'vat_collected', 58) AS part
    WHERE {these_lots} AND journal.kind = 'rental'
"""


def give_past(app: Flask, wallet_ids: Sequence[int], lots_each: int, whose: str) -> None:
    """Have each of these wallets, whose ids follow one another, receive so many lots and spend all that is in them."""
    batches = list(_batches(wallet_ids, lots_each))
    with owner_of(app) as engine:
        for done, batch in enumerate(batches, start=1):
            with engine.begin() as connection:
                _write(connection, *batch)
            if len(batches) > STEPS_OF_PROGRESS and done * STEPS_OF_PROGRESS % len(batches) < STEPS_OF_PROGRESS:
                print(f"    … {done / len(batches):.0%} of {whose}", flush=True)


def _batches(wallet_ids: Sequence[int], lots_each: int) -> Iterator[tuple[Sequence[int], int]]:
    """The wallets to fill in one transaction, and how many lots each of them gets there."""
    wallets_at_once = max(1, LOTS_AT_ONCE // lots_each)
    for first_wallet in range(0, len(wallet_ids), wallets_at_once):
        for first_lot in range(0, lots_each, LOTS_AT_ONCE):
            yield wallet_ids[first_wallet : first_wallet + wallets_at_once], min(LOTS_AT_ONCE, lots_each - first_lot)


def _write(connection: Connection, wallet_ids: Sequence[int], lots_each: int) -> None:
    last_lot = connection.scalar(text("SELECT coalesce(max(id), 0) FROM lot"))
    first_wallet, last_wallet = wallet_ids[0], wallet_ids[-1]
    numbers = NUMBERS[connection.dialect.name]
    for sql in (LOTS, JOURNALS, FILLINGS, SALES):
        connection.exec_driver_sql(
            sql.format(
                films=FILMS_PER_LOT,
                first_wallet=first_wallet,
                last_wallet=last_wallet,
                lot_numbers=numbers.format(last=lots_each),
                journal_numbers=numbers.format(last=1 + FILMS_PER_LOT),
                these_lots=f"lot.id > {last_lot} AND lot.wallet_id BETWEEN {first_wallet} AND {last_wallet}",
            )
        )
