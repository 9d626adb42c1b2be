"""How many statements this thread has sent to the database since it began what it does."""

import threading
from typing import Any

from sqlalchemy import Engine, event


class _Tally(threading.local):
    statements = 0


_tally = _Tally()


def begin() -> None:
    """Something new begins: count from nothing."""
    _tally.statements = 0


def statements() -> int:
    """Since then, in this thread."""
    return _tally.statements


def count_on(engine: Engine) -> None:
    """Count the engine's statements, but for the words that begin and end transactions."""
    event.listen(engine, "before_cursor_execute", _count)


def _count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    if not statement.startswith("BEGIN"):
        _tally.statements += 1
