"""Whoever signed up with the release before goes on as if nothing had changed: confirmed, signed in, let in by the same password."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text

from store.customers import sessions
from store.customers.models import Customer
from store.db import db
from store.migrate import upgrade
from tests.conftest import both_engines

JOINED = datetime(2026, 11, 1, 10, tzinfo=UTC)
SIGN_UP = (
    "INSERT INTO wallet (id, currency, opened_at) VALUES ({id}, 'EUR', '2026-11-01 10:00:00+00')",
    "INSERT INTO customer (id, email, name, password_hash, wallet_id, joined_at)"
    " VALUES ({id}, 'a{id}@example.org', 'Jeanne', 'x', {id}, '2026-11-01 10:00:00+00')",
    "INSERT INTO customer_session (digest, customer_id, began_at, seen_at, user_agent)"
    " VALUES ('{digest}', {id}, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', 'Firefox')",
)


def sign_up(number: int, session_id: str) -> None:
    """As the release before does it."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.begin() as connection:
        for statement in SIGN_UP:
            filled = statement.format(id=number, digest=sessions.digest(session_id))
            connection.execute(text(filled.replace("+00'", "'") if is_sqlite else filled))


@pytest.fixture
def old_shop(shop_without_tables: Flask) -> Flask:
    """A shop as the release before leaves it, with a customer who is signed in."""
    with shop_without_tables.app_context():
        upgrade("0026")
        sign_up(1, "before")
    return shop_without_tables


@both_engines
def test_customers_live_on(old_shop: Flask) -> None:
    with old_shop.app_context():
        upgrade()
        sign_up(2, "meanwhile")
        known, newcomer = db.session.scalars(select(Customer).order_by(Customer.id))
        assert (known.confirmed_at, newcomer.confirmed_at) == (JOINED, None)
        for session_id, customer in (("before", known), ("meanwhile", newcomer)):
            found = sessions.find(db.session, session_id, JOINED)
            assert found and found.customer_id == customer.id and found.device_id is None
            assert not sessions.is_fresh(found.proved_at, JOINED)
