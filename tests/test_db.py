"""How the databases are asked: connections that are gone, and the index that a balance goes by."""

import socket
import time
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from store.db import PATIENCE_WITH_POSTGRESQL, connect_arguments, db
from tests.conftest import execute_on
from tests.shop import Shop

ENDED = "SELECT pg_terminate_backend({pid}, 5000)"  # waits until it is


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_connection_that_was_ended_is_replaced_before_it_is_used(app: Flask, postgresql_server: str) -> None:
    with app.app_context():
        for _ in range(3):
            with db.engine.connect() as connection:
                pid = connection.scalar(text("SELECT pg_backend_pid()"))
            execute_on(postgresql_server, ENDED.format(pid=pid))
            with db.engine.connect() as connection:
                assert connection.scalar(text("SELECT pg_backend_pid()")) != pid


def test_sqlite_looks_at_lots_that_hold_something_alone(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000)
    asked = {"wallet_id": person.wallet_id, "at": "2026-11-24 19:00:00"}
    query = (
        "SELECT id, kind, remaining FROM lot WHERE wallet_id = :wallet_id AND remaining > 0"
        " AND (expires_at IS NULL OR expires_at > :at) ORDER BY expires_at IS NULL, expires_at, id"
    )
    with app.app_context(), db.engine.connect() as connection:
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"), asked)
        assert "ix_lot_spendable" in str(plan.all())


def test_a_request_ends_without_starting_a_thread(
    client: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's extension closes sessions of coroutines too: Flask would start a thread for it, request by request."""
    shop.film()
    started, start = [], Thread.start
    monkeypatch.setattr(Thread, "start", lambda thread: (started.append(thread.name), start(thread)))
    assert client.get("/films/la-sociale").status_code == 200
    assert started == []


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://shop@127.0.0.1:{silent.getsockname()[1]}/shop"
        began = time.monotonic()
        with pytest.raises(OperationalError, match="timeout"):
            create_engine(url, connect_args=connect_arguments(url)).connect()
        assert time.monotonic() - began < PATIENCE_WITH_POSTGRESQL["connect_timeout"] + 2
    assert "connect_timeout" not in connect_arguments(f"{url}?connect_timeout=9")
