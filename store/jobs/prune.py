"""Forgetting what is over: rows whose time has passed, in batches so small that nobody waits for one."""

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from store.db import transaction

BATCH = 500
"""Rows of one transaction."""


def prune(key: InstrumentedAttribute[int] | InstrumentedAttribute[str], condition: ColumnElement[bool]) -> int:
    """Delete the rows of `key`'s table that meet the condition, each batch in a transaction of its own; returns how many."""
    model, pruned = key.class_, 0
    batch = select(key).where(condition).limit(BATCH)
    while True:
        with transaction() as session:
            gone = session.connection().execute(delete(model).where(key.in_(batch))).rowcount
        pruned += gone
        if gone < BATCH:
            return pruned
