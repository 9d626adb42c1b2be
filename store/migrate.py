"""`flask db …`: migrations, forward only, on live data."""

import click
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Connection, Engine, create_engine, text

from config import ROOT
from store.db import db, prepare

commands = AppGroup("db", help="The database's structure.")

LOCK_TIMEOUT = "10s"


@commands.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to this release's structure."""
    upgrade()
    click.echo("The database is up to date.")


def upgrade(revision: str = "head") -> None:
    """Run the migrations that are missing, as the owner of the tables when MIGRATION_DATABASE_URL names one."""
    db.session.close()  # PostgreSQL: an open read would make the migration wait for itself
    engine = _owner_engine()
    try:
        with engine.connect() as connection:
            _run(connection, revision)
    finally:
        engine.dispose()


def _owner_engine() -> Engine:
    return prepare(create_engine(current_app.config["MIGRATION_DATABASE_URL"]))


def _run(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
    alembic = Config()
    alembic.set_main_option("script_location", str(ROOT / "migrations"))
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, revision)
