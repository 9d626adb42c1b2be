"""The database: engine, read session, `Base`, and `transaction()`, the only way to write.

SQLite and PostgreSQL run the same code. Reads are plain: a deferred BEGIN on SQLite, autocommit on PostgreSQL. A write on
SQLite takes the write lock at once (BEGIN IMMEDIATE), since a deferred one lets two readers both go on to write; writers
queue at a gate first, because waiting there is fair and cheap while SQLite's own busy wait is neither.
"""

import select
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import Annotated, Any

from flask import Flask, current_app, g
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Table,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from store.gate import Gate
from store.tally import count_on

BUSY_TIMEOUT_MS = 20_000

PATIENCE_WITH_POSTGRESQL = {
    "connect_timeout": 4,  # seconds
    "tcp_user_timeout": 15_000,  # milliseconds for which what was sent may stay unheard
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""libpq's words for a server that is away and does not say so (PostgreSQL, "Parameter Key Words"); an address may have its own."""

BOOKS = frozenset(
    {
        "ledger_account",
        "wallet",
        "lot",
        "journal",
        "posting",
        "closing",
        "audit_entry",
        "receipt",
        "sqlite_master",
        "sqlite_schema",
    }
)
"""Tables in which the shop's own connection changes and removes nothing."""

MOVING_A_LOT = ("lot", "remaining", "posting_moves_its_lot")
"""The change of them that there is: table, column, and the trigger that makes it."""

FORGETTING_A_BUYER = {("receipt", "buyer_name"), ("receipt", "buyer_email")}
"""And two columns that a trigger lets give way to a pseudonym (`privacy/erase.py`)."""

ASKING_PRAGMAS = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo"}
)
"""Pragmas whose argument says what they tell about; of all others an argument changes something."""

STRUCTURE_CHANGES = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
    }
)

Identity = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]

GREATEST_ID = 2**63 - 1
"""That either database can be asked for."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite, which knows no time zones, stores it without its offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: nobody knows which instant it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the instant back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the shop, with constraint names that are the same on both engines."""

    type_annotation_map = {datetime: Instant, int: BigInteger().with_variant(Integer, "sqlite")}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(session_options={"expire_on_commit": False})


def init_db(app: Flask) -> None:
    """Open the engine that DATABASE_URL names and the gate before its writes."""
    url = app.config["DATABASE_URL"]
    app.config["SQLALCHEMY_ENGINES"] = {"default": {"url": url, **_engine_options(url)}}
    db.init_app(app)
    _leave_out_coroutines(app)
    with app.app_context():
        prepare(db.engine)
        app.extensions["write_engine"] = writing(db.engine)
        app.extensions["write_gate"] = Gate(db.engine.url.database or "") if _is_sqlite(url) else nullcontext()


def _leave_out_coroutines(app: Flask) -> None:
    """The extension also closes sessions for coroutines, of which there are none: Flask would start a thread for that at the end of
    every request.
    """
    app.teardown_appcontext_funcs = [close for close in app.teardown_appcontext_funcs if not iscoroutinefunction(close)]


def prepare(engine: Engine, *, of_the_owner: bool = False) -> Engine:
    """Set up an engine's connections as the shop needs them; returns the engine.

    `of_the_owner` is for migrations: on SQLite, which has no roles, the shop's own connections refuse what changes the
    books' past or their guards. On PostgreSQL the shop's role has no such right.
    """
    count_on(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if not of_the_owner:
            event.listen(engine, "connect", _guard_sqlite)
    else:
        engine.dialect.do_ping = _is_there  # type: ignore[assignment]  # a method there, a function here
    return engine


def connect_arguments(url: str) -> dict[str, Any]:
    """What the driver is told beside the address: how long to wait."""
    if _is_sqlite(url):
        return {"timeout": BUSY_TIMEOUT_MS / 1000}
    return {name: value for name, value in PATIENCE_WITH_POSTGRESQL.items() if name not in make_url(url).query}


def writing(engine: Engine) -> Engine:
    """The same engine, for transactions that write."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writes=True)
    return engine.execution_options(isolation_level="READ COMMITTED")


class _Writing(Session):
    """The session of a transaction that began: it has its connection, so that who runs statements there wakes no ORM."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, expire_on_commit=False)
        self._connection = connection

    def connection(self, *_: Any, **__: Any) -> Connection:
        """The one on which the transaction began."""
        return self._connection

    def close(self) -> None:
        """Let go of what the ORM holds, if it was woken."""
        if self.in_transaction():
            super().close()


@contextmanager
def transaction() -> Iterator[Session]:
    """One write, whole or not at all: commits at the end of the block, rolls back on any exception.

    Never opened inside another; no call to the outside world belongs in it.
    """
    if g.get("in_transaction"):
        raise RuntimeError("a transaction is open already: pass its session on instead")
    db.session.rollback()
    g.in_transaction = True
    try:
        with (
            current_app.extensions["write_gate"],
            current_app.extensions["write_engine"].begin() as connection,
            _Writing(connection) as session,
        ):
            yield session
            session.flush()
    finally:
        g.in_transaction = False


@contextmanager
def snapshot() -> Iterator[Session]:
    """A long read that sees one moment, however much is written meanwhile."""
    level = {} if db.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with Session(db.engine.execution_options(**level)) as session:
        yield session


def table_of(model: type[Base]) -> Table:
    """The model's table, for statements that are built once and run without the ORM."""
    return model.metadata.tables[model.__tablename__]


def insert_if_absent(table: Table, unique: ColumnElement[Any] | Sequence[ColumnElement[Any]]) -> postgresql.Insert:
    """An INSERT that does nothing where the unique column (or columns) hold these values already.

    It is PostgreSQL's; SQLite compiles it to the same words.
    """
    columns = [unique] if isinstance(unique, ColumnElement) else unique
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=list(columns))


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _engine_options(url: str) -> dict[str, Any]:
    pool = {
        "connect_args": connect_arguments(url),
        "pool_size": 10,
        "pool_use_lifo": True,
    }  # the connection used last has its pages and statements at hand
    if _is_sqlite(url):
        return {**pool, "max_overflow": 40}
    return {**pool, "isolation_level": "AUTOCOMMIT", "max_overflow": 20, "pool_pre_ping": True}


def _is_there(connection: Any) -> bool:
    """Whether PostgreSQL has not hung up on an idle connection.

    Asks the socket, where only a farewell can wait while nothing was asked: a question to the server would cost a round trip
    at every transaction.
    """
    if connection.closed:
        return False
    farewell = select.poll()
    farewell.register(connection.fileno(), select.POLLIN)
    return not farewell.poll(0)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",  # otherwise INSERT OR REPLACE walks past the delete triggers
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        # ast-grep-ignore: no-sql-from-pieces  # the lines above, and a PRAGMA takes no bound value
        connection.execute(f"PRAGMA {pragma}").close()


def _guard_sqlite(connection: Any, _record: Any) -> None:
    connection.set_authorizer(_authorise_sqlite)


def _authorise_sqlite(action: int, first: str | None, second: str | None, _database: str, trigger: str | None) -> int:
    """SQLite asks this once for each part of a statement that it prepares (sqlite.org/c3ref/set_authorizer.html)."""
    if action in STRUCTURE_CHANGES or (
        action == sqlite3.SQLITE_PRAGMA and second is not None and first not in ASKING_PRAGMAS
    ):
        return sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first in BOOKS:
        may = (first, second, trigger) == MOVING_A_LOT or (first, second) in FORGETTING_A_BUYER
        return sqlite3.SQLITE_OK if action == sqlite3.SQLITE_UPDATE and may else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
