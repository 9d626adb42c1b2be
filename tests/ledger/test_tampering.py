"""What nobody can do to the books: refused by the database to the shop's own connection, or named by the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.exc import DBAPIError

from store import clock
from store.audit.models import Alert
from store.db import db, prepare, transaction
from store.ledger.close import close_days
from store.ledger.jobs import audit
from store.ledger.models import Lot
from store.ledger.reconcile import differences
from tests.conftest import both_engines
from tests.ledger.acts import Books
from tests.shop import Shop

INSERT_POSTING = "INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id) VALUES "

REFUSED = [
    "UPDATE posting SET amount = 1",
    "UPDATE journal SET kind = 'other'",
    "UPDATE journal SET at = '2020-01-01'",
    "UPDATE ledger_account SET code = 'piggy' WHERE code = 'till'",
    "UPDATE closing SET digest = 'x'",
    "UPDATE lot SET remaining = remaining - 1",
    "UPDATE lot SET initial = initial + 1",
    "UPDATE lot SET expires_at = '2099-01-01'",
    "UPDATE lot SET vat_cents = 5",
    "UPDATE lot SET wallet_id = wallet_id",
    "DELETE FROM posting",
    "DELETE FROM journal",
    "DELETE FROM lot",
    "DELETE FROM wallet",
    "DELETE FROM closing",
    "DELETE FROM ledger_account WHERE code = 'till'",
    "ALTER TABLE posting ADD COLUMN note TEXT",
    "DROP TABLE posting",
    "DROP TABLE closing",
    "INSERT INTO lot (wallet_id, kind, reference, initial, remaining, created_at)"
    " SELECT wallet_id, 'paid', 'gift', 500, 500, created_at FROM lot",
    INSERT_POSTING + "(1, 'goodwill', 'promotions', 0, NULL)",
    INSERT_POSTING + "(1, 'goodwill', 'promotions', -5, NULL)",
    INSERT_POSTING + "(1, 'goodwill', 'piggy', 5, NULL)",
    INSERT_POSTING + "(99, 'goodwill', 'promotions', 5, NULL)",
    INSERT_POSTING + "(1, 'goodwill', 'goodwill', 5, NULL)",
    INSERT_POSTING + "(1, 'stored_value', 'rental_sales', 1001, 1)",
]
REFUSED_ON_SQLITE = [
    "DROP TRIGGER posting_is_never_changed",
    "CREATE TEMP TRIGGER quiet BEFORE INSERT ON posting BEGIN SELECT RAISE(IGNORE); END",
    "PRAGMA recursive_triggers = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA foreign_keys = OFF",
    "DELETE FROM sqlite_master",
    "ATTACH ':memory:' AS elsewhere",
    "REPLACE INTO posting SELECT id, journal_id, debit_account, credit_account, 1, lot_id FROM posting",
    "INSERT OR REPLACE INTO journal SELECT id, 'odd', idempotency_key, request_hash, reference, currency, at, reverses_id FROM journal",
    "INSERT OR REPLACE INTO closing SELECT day, 0, 0, 0, previous_digest, 'x', closed_at FROM closing",
    INSERT_POSTING + "(1, 'goodwill', 'promotions', 2.5, NULL)",
    INSERT_POSTING + "(1, 'goodwill', 'promotions', 'x', NULL)",
]
REFUSED_ON_POSTGRESQL = [
    "DROP TRIGGER posting_is_never_changed ON posting",
    "ALTER TABLE posting DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION move_lot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "TRUNCATE posting CASCADE",
    "TRUNCATE journal CASCADE",
    "TRUNCATE lot CASCADE",
    "TRUNCATE closing",
    "DROP SCHEMA public CASCADE",
]

NAMED = [
    ("UPDATE lot SET remaining = remaining - 1", "lot 1 says 999"),
    ("UPDATE lot SET initial = initial + 1", "not filled by its first posting"),
    (
        "INSERT INTO lot (wallet_id, kind, reference, initial, remaining, created_at)"
        " SELECT wallet_id, 'paid', 'gift', 500, 500, created_at FROM lot",
        "lot 2 says 500",
    ),
    (
        "INSERT INTO journal (kind, idempotency_key, request_hash, reference, currency, at)"
        " SELECT 'odd', 'odd', '', '', 'EUR', at FROM journal",
        "has no posting",
    ),
    (INSERT_POSTING + "(1, 'goodwill', 'stored_value', 5, NULL)", "without a lot"),
    (INSERT_POSTING + "(1, 'goodwill', 'promotions', 5, 1)", "names a lot but moves no stored value"),
    (INSERT_POSTING + "(1, 'goodwill', 'promotions', 5, NULL)", "is not what its journals say"),
    (INSERT_POSTING + "(1, 'unredeemed_cards', 'promotions', 5, NULL)", "5 cents more from unredeemed cards"),
    (INSERT_POSTING + "(1, 'stored_value', 'voucher_vat', 5, 1)", "keeps -5 cents of its sale's VAT"),
    ("UPDATE lot SET vat_cents = 5", "gave its lots 5 cents more VAT than was booked"),
    ("UPDATE lot SET vat_cents = 5, remaining = 4", "keeps 5 cents of its sale's VAT in 4 cents"),
    ("UPDATE posting SET amount = 999", "lot 1 says 1000"),
    ("UPDATE journal SET reference = 'other'", "is not what its journals say"),
    ("UPDATE journal SET currency = 'CHF'", "moves CHF in a wallet of EUR"),
    ("DELETE FROM posting", "journal 1 has no posting"),
    ("UPDATE closing SET outstanding = 5 WHERE day = (SELECT MAX(day) FROM closing)", "is not what its journals say"),
    ("DELETE FROM closing WHERE day = (SELECT MIN(day) FROM closing)", "does not follow the one before it"),
    (
        "DELETE FROM closing WHERE day NOT IN ((SELECT MIN(day) FROM closing), (SELECT MAX(day) FROM closing))",
        "is missing",
    ),
]


@contextmanager
def intruder(app: Flask) -> Iterator[Connection]:
    """The owner's connection, without guards: what somebody can do who has the database itself."""
    engine = prepare(create_engine(app.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET session_replication_role = replica"))
        yield connection
    engine.dispose()


@pytest.fixture
def closed_shop(app: Flask, shop: Shop) -> Flask:
    """A shop with one card in its books and three days closed after it."""
    shop.customer(credit=1000)
    with app.app_context(), transaction() as session:
        assert close_days(session, clock.shop_zone(), clock.now() + timedelta(days=3, hours=1)) == 3
    return app


def found(app: Flask) -> list[str]:
    with app.app_context():
        return list(differences(db.session))


def assert_refused(app: Flask, tampering: str) -> None:
    with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(tampering))
    assert found(app) == []


@both_engines
@pytest.mark.parametrize("tampering", REFUSED)
def test_both_databases_refuse(closed_shop: Flask, tampering: str) -> None:
    assert_refused(closed_shop, tampering)


@pytest.mark.parametrize("tampering", REFUSED_ON_SQLITE)
def test_sqlite_refuses(closed_shop: Flask, tampering: str) -> None:
    assert_refused(closed_shop, tampering)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize("tampering", REFUSED_ON_POSTGRESQL)
def test_postgresql_refuses(closed_shop: Flask, tampering: str) -> None:
    assert_refused(closed_shop, tampering)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE lot SET remaining = remaining - 1",
        "UPDATE posting SET amount = 1",
        "DELETE FROM closing",
        "DELETE FROM lot",
    ],
)
def test_postgresql_refuses_the_owner_too(closed_shop: Flask, tampering: str) -> None:
    engine = create_engine(closed_shop.config["MIGRATION_DATABASE_URL"])
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(tampering))
    engine.dispose()


@both_engines
@pytest.mark.parametrize(("tampering", "named"), NAMED)
def test_the_audit_names_what_was_tampered_with(closed_shop: Flask, tampering: str, named: str) -> None:
    assert found(closed_shop) == []
    with intruder(closed_shop) as connection:
        connection.execute(text(tampering))
    assert any(named in difference for difference in found(closed_shop))


TRIGGERS = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal",
}


@both_engines
def test_the_audit_names_a_lot_that_was_taxed_twice(closed_shop: Flask) -> None:
    with closed_shop.app_context():
        wallet_id = db.session.scalars(select(Lot.wallet_id)).one()
    Books(closed_shop).spend(wallet_id, 600)
    with intruder(closed_shop) as connection:
        connection.execute(text("UPDATE lot SET vat_cents = 0"))
    assert "lot 1 was taxed at its sale, and again when it was spent" in found(closed_shop)


@both_engines
def test_the_audit_misses_every_guard_that_was_dropped(closed_shop: Flask, engine_name: str) -> None:
    engine = prepare(create_engine(closed_shop.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)
    with engine.begin() as connection:
        guards = connection.execute(text(TRIGGERS[engine_name])).all()
        for guard, table in guards:
            connection.execute(text(f"DROP TRIGGER {guard}{f' ON {table}' if engine_name == 'postgresql' else ''}"))
    engine.dispose()
    assert {table for _, table in guards} == {"journal", "posting", "lot", "closing", "audit_entry", "receipt"}
    assert found(closed_shop) == [f"guard {guard} is missing from the database" for guard, _ in sorted(guards)]
    result = closed_shop.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 1


@both_engines
def test_the_shops_own_work_passes_the_guards(closed_shop: Flask, shop: Shop) -> None:
    shop.customer("paul@example.org", credit=700, bonus=50)
    assert found(closed_shop) == []


@both_engines
def test_the_daily_audit_tells_staff_once_a_day(closed_shop: Flask) -> None:
    def alerts() -> list[tuple[object, ...]]:
        with closed_shop.app_context():
            audit()
            told = db.session.scalars(select(Alert).order_by(Alert.id))
            return [(alert.kind, alert.facts) for alert in told]

    assert alerts() == []
    with intruder(closed_shop) as connection:
        connection.execute(text("UPDATE lot SET remaining = remaining - 1"))
    with closed_shop.app_context():
        told = [("ledger_differences", {"count": len(list(differences(db.session)))})]
    assert (alerts(), alerts()) == (told, told)
    with closed_shop.app_context():
        tomorrow = clock.now() + timedelta(days=1)
    with time_machine.travel(tomorrow):
        assert alerts() == told * 2
