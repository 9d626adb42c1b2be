"""Refusals that only one of the two databases needs."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from store.db import transaction
from tests.shop import Shop


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "tampering",
    [
        "INSERT OR REPLACE INTO posting SELECT id, journal_id, debit_account, credit_account, 1, lot_id FROM posting",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'promotions', 2.5)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'promotions', 'x')",
    ],
)
def test_sqlite_refuses(app: Flask, shop: Shop, tampering: str) -> None:
    shop.customer(credit=1000)
    with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(tampering))


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["posting", "journal", "lot"])
def test_postgresql_refuses_truncate(app: Flask, shop: Shop, table: str) -> None:
    shop.customer(credit=1000)
    with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))
