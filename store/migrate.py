"""`flask db …`: migrations, forward only, on live data."""

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text

from config import ROOT
from store.db import connect_arguments, db, prepare

commands = AppGroup("db", help="The database's structure.")

LOCK_TIMEOUT = "10s"

WRITTEN_ONCE = frozenset({"ledger_account", "lot", "journal", "posting", "closing", "audit_entry", "receipt"})


@commands.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to this release's structure."""
    upgrade()
    click.echo("The database is up to date.")


def upgrade(revision: str = "head") -> None:
    """Run the migrations that are missing, as the owner of the tables when MIGRATION_DATABASE_URL names one."""
    db.session.close()  # PostgreSQL: an open read would make the migration wait for itself
    engine = owner_engine()
    try:
        with engine.connect() as connection:
            _run(connection, revision)
            role = make_url(current_app.config["DATABASE_URL"]).username
            if connection.dialect.name == "postgresql" and role != connection.engine.url.username:
                _grant(connection, role)
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The migration that the database is at; None for one without tables."""
    return MigrationContext.configure(connection).get_current_revision()


def knows(revision: str) -> bool:
    """Whether this release can begin at a migration: it has it itself."""
    scripts = ScriptDirectory.from_config(_alembic())
    return any(script.revision == revision for script in scripts.walk_revisions())


def owner_engine() -> Engine:
    """An engine of the tables' owner; whoever asks for it disposes of it."""
    url = current_app.config["MIGRATION_DATABASE_URL"]
    return prepare(create_engine(url, connect_args=connect_arguments(url)), of_the_owner=True)


def _run(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('lock_timeout', :patience, false)"), {"patience": LOCK_TIMEOUT})
        connection.commit()
    alembic = _alembic()
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, revision)


def _alembic() -> Config:
    alembic = Config()
    alembic.set_main_option("script_location", str(ROOT / "migrations"))
    return alembic


def _grant(connection: Connection, role: str | None) -> None:
    """Let the shop's role read and write, but not change or remove what the books say; it owns nothing."""
    quoted = connection.dialect.identifier_preparer.quote(role or "")
    everything = f"ALL TABLES IN SCHEMA {_schema(connection)}"
    written_once = sorted(WRITTEN_ONCE & {*inspect(connection).get_table_names()})  # an earlier revision has fewer
    for statement in (
        f"GRANT USAGE ON SCHEMA {_schema(connection)} TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {everything} TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {_schema(connection)} TO {quoted}",  # a backup reads them
        f"REVOKE UPDATE, DELETE ON {', '.join(written_once)} FROM {quoted}",
        *_granted_to_forget(quoted, written_once),
        f"REVOKE DELETE ON wallet FROM {quoted}",  # UPDATE stays: PostgreSQL asks for it to lock a row
    ):
        connection.execute(text(statement))
    connection.commit()


def _granted_to_forget(role: str, tables: list[str]) -> list[str]:
    """A receipt's buyer may give way to a pseudonym, and to nothing else: a trigger sees to that."""
    return [f"GRANT UPDATE (buyer_name, buyer_email) ON receipt TO {role}"] if "receipt" in tables else []


def _schema(connection: Connection) -> str:
    return connection.dialect.identifier_preparer.quote(connection.scalar(text("SELECT current_schema()")))
