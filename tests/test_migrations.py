"""The migrations lead to exactly the tables that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import CheckConstraint, Column, MetaData, String, inspect

from store.db import Base, db
from store.migrate import upgrade
from tests.conftest import both_engines


def differences(app: Flask, metadata: MetaData) -> list[object]:
    with app.app_context(), db.engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), metadata)


def checks_in_the_database(app: Flask) -> set[str]:
    """Names of CHECK constraints, which Alembic does not compare."""
    with app.app_context(), db.engine.connect() as connection:
        database = inspect(connection)
        return {str(check["name"]) for table in Base.metadata.tables for check in database.get_check_constraints(table)}


@both_engines
def test_migrations_reach_the_models(app: Flask) -> None:
    assert differences(app, Base.metadata) == []
    of_the_models = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert checks_in_the_database(app) == of_the_models


@both_engines
def test_a_second_upgrade_changes_nothing(app: Flask) -> None:
    before = checks_in_the_database(app)
    with app.app_context():
        upgrade()
    assert checks_in_the_database(app) == before
    assert differences(app, Base.metadata) == []


@both_engines
def test_a_forgotten_migration_is_seen(app: Flask) -> None:
    changed = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(changed)
    changed.tables["customer"].append_column(Column("forgotten", String))
    [(what, _schema, table, column)] = differences(app, changed)
    assert (what, table, column.name) == ("add_column", "customer", "forgotten")
