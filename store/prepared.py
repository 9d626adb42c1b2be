"""Statements that are compiled once and then given to the driver as they are.

SQLAlchemy looks a statement up, names its parameters and describes its result anew each time, which takes several times as
long as SQLite takes to run it. Where that counts, `Prepared` goes past it; who listens to statements hears of these too, and
failures are SQLAlchemy's as ever.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Rows = Sequence[tuple[Any, ...]]


class Prepared:
    """A statement for a connection on which a transaction began; its parameters have the names of its bindparams."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def execute(self, connection: Connection, values: Values) -> Rows:
        """Run it; returns its rows as the driver gives them, fit for numbers and words."""
        compiled = self._compiled(connection.dialect, values)
        return _run(connection, compiled.sql, compiled.parameters(values))

    def execute_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run it once for each of these, of which there is one at least; it returns nothing."""
        compiled = self._compiled(connection.dialect, rows[0])
        _run(connection, compiled.sql, [compiled.parameters(values) for values in rows], is_many=True)

    def _compiled(self, dialect: Dialect, values: Values) -> "_Compiled":
        compiled = self._by_dialect.get(dialect.name)
        if compiled is None:
            compiled = self._by_dialect[dialect.name] = _Compiled(self._statement, dialect, values)
        return compiled


class _Compiled:
    """The words for one driver, and how it wants each value."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, values: Values) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(values))
        assert isinstance(compiled, SQLCompiler)  # noqa: S101  # for the types: statements compile to nothing else
        self.sql = str(compiled)
        self._is_positional = compiled.positional
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        names = compiled.positiontup or list(binds)
        self._constants = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        self._converters = [(name, _converter(binds[name].type, dialect)) for name in names]

    def parameters(self, values: Values) -> Any:
        """A tuple or a dictionary, as the driver asks for."""
        given = {**self._constants, **values} if self._constants else values
        converted = [(name, convert(given[name]) if convert else given[name]) for name, convert in self._converters]
        return tuple([value for _, value in converted]) if self._is_positional else dict(converted)


def _converter(type_: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _run(connection: Connection, sql: str, parameters: Any, is_many: bool = False) -> Rows:
    cursor = connection.connection.cursor()
    for listen in connection.engine.dispatch.before_cursor_execute:
        listen(connection, cursor, sql, parameters, None, is_many)
    try:
        if is_many:
            cursor.executemany(sql, parameters)
            return []
        cursor.execute(sql, parameters)
        return cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemys(connection, sql, parameters, error) from error
    finally:
        cursor.close()


def _as_sqlalchemys(connection: Connection, sql: str, parameters: Any, error: Any) -> BaseException:
    """The error as any other statement would raise it; a connection that is gone is not used again."""
    is_gone = connection.dialect.is_disconnect(error, connection.connection, None)
    if is_gone:
        connection.invalidate(error)
    driver = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        sql, parameters, error, driver, connection_invalidated=is_gone, dialect=connection.dialect
    )
