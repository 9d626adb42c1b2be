"""The database at one moment, as a file, and what its ledger says then."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy import Connection, create_engine, func, make_url, select, text
from sqlalchemy.orm import Session

from store.gateways.database_copy import copy_sqlite, dump_postgresql
from store.ledger.close import BEGINNING, digest_of
from store.ledger.models import Journal
from store.migrate import current_revision, owner_engine


@dataclass(frozen=True)
class Ledger:
    """The digest over all journals, how many there are, and the id of the last."""

    digest: str
    journals: int
    last_journal_id: int


@dataclass(frozen=True)
class Snapshot:
    """The file, and what is in it."""

    path: Path
    engine: str
    migration: str
    ledger: Ledger


@contextmanager
def snapshot_in(folder: Path) -> Iterator[Snapshot]:
    """The database in a file of its own in `folder`, gone after the block; the shop goes on writing meanwhile.

    Raises CopyFailed.
    """
    url = make_url(current_app.config["DATABASE_URL"])
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=folder) as place:
        path = Path(place) / "database"
        yield _of_sqlite(Path(url.database or ""), path) if url.drivername == "sqlite" else _of_postgresql(path)


def ledger_of(session: Session) -> Ledger:
    """What the ledger says now."""
    last_id = session.scalar(select(func.max(Journal.id))) or 0
    digested = digest_of(session, BEGINNING, 0, last_id)
    return Ledger(digested.digest, digested.journals, last_id)


def _of_sqlite(source: Path, path: Path) -> Snapshot:
    copy_sqlite(source, path)
    engine = create_engine(f"sqlite:///file:{path}?immutable=1&uri=true")
    with engine.connect() as connection:
        snapshot = _described(connection, path)
    engine.dispose()
    return snapshot


def _of_postgresql(path: Path) -> Snapshot:
    """pg_dump sees what this transaction sees."""
    engine = owner_engine()
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        exported = connection.scalar(text("SELECT pg_export_snapshot()"))
        dump_postgresql(current_app.config["MIGRATION_DATABASE_URL"], str(exported), path)
        snapshot = _described(connection, path)
    engine.dispose()
    return snapshot


def _described(connection: Connection, path: Path) -> Snapshot:
    migration = str(current_revision(connection))
    return Snapshot(path, connection.dialect.name, migration, ledger_of(Session(connection)))
