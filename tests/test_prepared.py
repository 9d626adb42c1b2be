"""Statements that go past SQLAlchemy are still seen, fail and are given up as its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from store.db import db, table_of, transaction
from store.ledger.models import Lot, Wallet
from store.prepared import Prepared
from tests.conftest import both_engines, execute_on

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
WALLET = table_of(Wallet)

Count = Callable[[], AbstractContextManager[list[str]]]


@both_engines
def test_values_reach_the_driver_as_their_columns_want_them(app: Flask) -> None:
    new_wallets = Prepared(insert(WALLET))
    opened = Prepared(select(WALLET.c.currency).where(WALLET.c.opened_at == bindparam("at")))
    with app.app_context(), transaction() as session:
        connection = session.connection()
        new_wallets.execute_many(connection, [{"currency": code, "opened_at": AT} for code in ("EUR", "CHF")])
        assert sorted(opened.execute(connection, {"at": AT})) == [("CHF",), ("EUR",)]
        assert set(session.scalars(select(Wallet.opened_at))) == {AT}
        with pytest.raises(ValueError, match="time zone"):
            opened.execute(connection, {"at": AT.replace(tzinfo=None)})


@both_engines
def test_who_counts_statements_counts_these(app: Flask, query_count: Count) -> None:
    one = Prepared(text("SELECT 1"))
    with app.app_context(), query_count() as queries, transaction() as session:
        assert one.execute(session.connection(), {}) == [(1,)]
    assert len(queries) == 1


@both_engines
@pytest.mark.parametrize("fails", [IntegrityError, DBAPIError])
def test_a_failure_is_sqlalchemys(app: Flask, fails: type[Exception]) -> None:
    bad: dict[str, Any] = {"wallet_id": 99, "kind": "paid", "reference": "x", "initial": 1, "remaining": 0}
    new_lot = Prepared(insert(table_of(Lot)))
    with app.app_context(), pytest.raises(fails), transaction() as session:
        new_lot.execute_many(session.connection(), [{**bad, "created_at": AT}])


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_connection_that_is_gone_is_not_used_again(app: Flask, postgresql_server: str) -> None:
    pid = Prepared(text("SELECT pg_backend_pid()"))

    def end_and_ask() -> None:
        with transaction() as session:
            [(backend,)] = pid.execute(session.connection(), {})
            execute_on(postgresql_server, f"SELECT pg_terminate_backend({backend}, 5000)")
            pid.execute(session.connection(), {})

    with app.app_context():
        with pytest.raises(OperationalError) as failure:
            end_and_ask()
        assert failure.value.connection_invalidated
        with transaction() as session:
            assert pid.execute(session.connection(), {})
        assert db.session.scalar(text("SELECT 1")) == 1
