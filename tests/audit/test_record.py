"""The audit log grows and never changes: refused to the shop's own connection, and to the tables' owner."""

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from store import clock
from store.audit.models import AuditEntry
from store.audit.record import record
from store.db import db, prepare, transaction
from tests.conftest import both_engines

CHANGES = ["UPDATE audit_entry SET actor = 9", "DELETE FROM audit_entry"]
REPLACE = "REPLACE INTO audit_entry SELECT id, at, 9, act, subject, facts FROM audit_entry"
TRUNCATE = "TRUNCATE audit_entry"
TO_THE_SHOP = [("sqlite", change) for change in [*CHANGES, "DROP TABLE audit_entry"]]
TO_THE_SHOP += [("postgresql", change) for change in [*CHANGES, TRUNCATE, "DROP TABLE audit_entry"]]
TO_THE_OWNER = [("sqlite", change) for change in [*CHANGES, REPLACE]]
TO_THE_OWNER += [("postgresql", change) for change in [*CHANGES, TRUNCATE]]


@pytest.fixture
def noted(app: Flask) -> Flask:
    """A shop in whose log stands one line."""
    with app.app_context(), transaction() as session:
        record(session, actor=3, act="role.granted", subject="customer:4", facts={"role": "staff"}, at=clock.now())
    return app


def log(app: Flask) -> list[tuple[object, ...]]:
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.actor, entry.act, entry.subject, entry.facts) for entry in entries]


LINE = (3, "role.granted", "customer:4", {"role": "staff"})


@both_engines
def test_a_line_stays_as_it_was_written(noted: Flask) -> None:
    assert log(noted) == [LINE]


@both_engines
def test_what_is_undone_leaves_no_line(app: Flask) -> None:
    with app.app_context(), pytest.raises(ZeroDivisionError), transaction() as session:
        record(session, actor=None, act="role.granted", subject="customer:4", facts={}, at=clock.now())
        raise ZeroDivisionError
    assert log(app) == []


@pytest.mark.parametrize(("engine_name", "tampering"), TO_THE_SHOP, indirect=["engine_name"])
def test_refused_to_the_shop(noted: Flask, tampering: str) -> None:
    """By its connection on SQLite, by its role's rights on PostgreSQL: no trigger is even asked."""
    refusal = "not authorized|permission denied|must be owner"
    with noted.app_context(), pytest.raises(DBAPIError, match=refusal), transaction() as session:
        session.execute(text(tampering))
    assert log(noted) == [LINE]


@pytest.mark.parametrize(("engine_name", "tampering"), TO_THE_OWNER, indirect=["engine_name"])
def test_refused_to_the_tables_owner(noted: Flask, tampering: str) -> None:
    """By the triggers."""
    owner = prepare(create_engine(noted.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)
    with pytest.raises(DBAPIError, match="never (changed|removed)"), owner.begin() as connection:
        connection.execute(text(tampering))
    owner.dispose()
    assert log(noted) == [LINE]
