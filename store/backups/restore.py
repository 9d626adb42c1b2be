"""The way back: what a backup holds becomes this shop. The shop is closed meanwhile."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from flask import current_app
from sqlalchemy import inspect, make_url, select, text

from store import clock
from store.backups.archive import Reader
from store.backups.films import InAFolder, InTheFile, InTheirBucket, Keeper, give_back_all
from store.backups.make import DATABASE
from store.backups.manifest import Manifest, NotABackup
from store.backups.snapshot import ledger_of
from store.catalogue.models import Film
from store.customers.models import Customer
from store.db import Base, db, snapshot, table_of
from store.gateways.database_copy import load_postgresql
from store.gateways.media_store import media_store
from store.gateways.on_disk import sync
from store.jobs.models import Worker
from store.jobs.work import some_worker_lives
from store.ledger.models import Journal
from store.ledger.reconcile import differences
from store.migrate import LOCK_TIMEOUT, knows, owner_engine, upgrade

OF_A_SHOP_IN_USE: tuple[type[Base], ...] = (Customer, Film, Journal)


class NotRestored(Exception):
    """Nothing was changed; the message says why."""


def restore(file: Path, films_folder: Path | None, *, replace: bool, tell: Callable[[str], None]) -> Iterator[str]:
    """Make this shop what it was; a sentence for each thing that is not as it should be afterwards, none if all is well.

    `replace` says that what is here may be lost. Raises NotRestored, NotABackup, CopyFailed, OutOfReach or OSError.
    """
    with closing(Reader(file)) as archive:
        manifest = archive.manifest()
        _refuse_what_does_not_fit(manifest)
        _refuse_what_is_in_use(replace)
        tell(f"made at {manifest.made_at} by release {manifest.release}, {manifest.journals} journals")
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=_place()) as folder:
            database = Path(folder) / DATABASE
            archive.extract(DATABASE, database, manifest.database)
            yield from _films(manifest, _keeper(manifest, archive, films_folder), tell)
            _put_in_place(database)
    upgrade()
    tell("database: in place; the ledger is checked …")
    with snapshot() as session:
        ledger = ledger_of(session)
        if (ledger.digest, ledger.journals) != (manifest.ledger, manifest.journals):
            yield f"the ledger is not the backup's: {ledger.journals} journals, digest {ledger.digest}"
        yield from differences(session)
    tell(f"ledger digest: {ledger.digest}")


def _films(manifest: Manifest, keeper: Keeper, tell: Callable[[str], None]) -> Iterator[str]:
    """What is published already stays; a version that cannot be given back is named, and the shop goes on without it."""
    came_back = 0
    for version in manifest.films:
        try:
            came_back += len(list(give_back_all(media_store(), keeper, [version])))
        except NotABackup as error:
            yield str(error)
    tell(f"{came_back} of {len(manifest.films)} versions of films came back, the others were there or are named")


def _keeper(manifest: Manifest, archive: Reader, films_folder: Path | None) -> Keeper:
    if manifest.films_in == "folder":
        if films_folder is None:
            raise NotRestored("its films lie in a folder of their own: name it by --films")
        return InAFolder(films_folder)
    return InTheFile(archive) if manifest.films_in == "file" else InTheirBucket()


def _refuse_what_does_not_fit(manifest: Manifest) -> None:
    engine = make_url(current_app.config["DATABASE_URL"]).get_backend_name()
    if manifest.engine != engine:
        raise NotRestored(f"it is of {manifest.engine}, and DATABASE_URL names {engine}")
    if not knows(manifest.migration):
        raise NotRestored(f"it is of a later release: migration {manifest.migration} is not known here")


def _refuse_what_is_in_use(replace: bool) -> None:
    """A database that is away is refused by the error itself."""
    present = set(inspect(db.engine).get_table_names())
    if Worker.__tablename__ in present and some_worker_lives(db.session, clock.now()):
        raise NotRestored("a worker of this shop is running: stop it and the web processes first")
    for model in OF_A_SHOP_IN_USE:
        table = table_of(model)
        if table.name in present and not replace:
            first = next(iter(table.primary_key.columns))
            if db.session.execute(select(first).limit(1)).first():
                raise NotRestored(
                    f"there is a shop here already (the table {table.name} is not empty); --force replaces it"
                )
    db.session.close()
    db.engine.dispose()


def _place() -> Path | None:
    """Where to unpack: SQLite's file is moved to its place, on the same disk."""
    url = make_url(current_app.config["DATABASE_URL"])
    return Path(url.database or "").parent if url.get_backend_name() == "sqlite" else None


def _put_in_place(database: Path) -> None:
    if _place() is None:
        _empty_schema()
        load_postgresql(current_app.config["MIGRATION_DATABASE_URL"], database)
        return
    target = Path(make_url(current_app.config["DATABASE_URL"]).database or "")
    for of_the_former in ("-wal", "-shm"):
        target.with_name(target.name + of_the_former).unlink(missing_ok=True)
    sync(database)
    database.replace(target)
    sync(target.parent)


def _empty_schema() -> None:
    """Without what this release or another one had there."""
    engine = owner_engine()
    with engine.begin() as connection:
        schema = connection.dialect.identifier_preparer.quote(str(connection.scalar(text("SELECT current_schema()"))))
        patience = text("SELECT set_config('lock_timeout', :patience, true)")
        connection.execute(patience, {"patience": LOCK_TIMEOUT})  # somebody may be there all the same
        # ast-grep-ignore: no-sql-from-pieces  # the driver has quoted the name, and names are never bound
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        # ast-grep-ignore: no-sql-from-pieces  # as above
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
