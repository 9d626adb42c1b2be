"""The release before goes on spending while this one begins."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import create_app
from store.db import db, transaction
from store.ledger.models import Lot
from store.ledger.post import deposit, lock_wallet, open_wallet, spend
from store.ledger.reconcile import differences
from store.migrate import upgrade
from tests.conftest import database_of, execute_on, settings_for
from tests.ledger.acts import AT, paid

SALE = ("rental", "rental_sales", Decimal(20))


@pytest.fixture
def old_shop(postgresql_server: str, tmp_path: Path) -> Iterator[Flask]:
    """A shop on PostgreSQL as the release before leaves it."""
    name = f"old_books_{os.getpid()}"
    execute_on(postgresql_server, f"CREATE DATABASE {name}")
    app = create_app(settings_for(tmp_path, database_of(postgresql_server, name)))
    with app.app_context():
        upgrade("0021")
    yield app
    with app.app_context():
        db.engine.dispose()
    execute_on(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_both_releases_spend_from_one_wallet(old_shop: Flask) -> None:
    kind, sales_account, vat_percent = SALE
    with old_shop.app_context():
        with transaction() as session:
            wallet_id = open_wallet(session, "EUR", AT)
            wallet = lock_wallet(session, wallet_id)
            deposit(session, wallet, [paid(1000)], kind="card", key="card", reference="card:1", at=AT)

        def spend_as_before(key: str) -> None:
            with transaction() as session:
                asked = (wallet_id, 350, *SALE, key, "hash", "film:1", "EUR", AT)
                assert session.execute(select(func.spend_credit(*asked))).one()

        spend_as_before("before the upgrade")
        upgrade()
        spend_as_before("after it")
        with transaction() as session:
            sale = {"kind": kind, "sales_account": sales_account, "vat_percent": vat_percent, "reference": "film:2"}
            spend(session, wallet_id, 300, currency="EUR", **sale, key="as now", at=AT)
        assert db.session.scalar(select(Lot.remaining)) == 0
        assert list(differences(db.session)) == []
