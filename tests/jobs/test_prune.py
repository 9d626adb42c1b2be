"""What was done long ago is forgotten, by the worker's own schedule and in batches; what was not stays."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select

from store import clock
from store.db import db, transaction
from store.jobs import prune as pruning
from store.jobs.jobs import KEPT
from store.jobs.models import Job
from store.jobs.schedule import enqueue_due
from store.jobs.work import run_next
from tests.conftest import both_engines

A_MOMENT = timedelta(minutes=1)


@both_engines
def test_done_jobs_are_forgotten_after_thirty_days(
    app: Flask, query_count: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    with app.app_context():
        long_ago = clock.now() - KEPT - A_MOMENT
        old = {
            "name": "test.old",
            "lane": "test",
            "payload": {},
            "run_at": long_ago,
            "done_at": None,
            "failed_at": None,
        }
        with transaction() as session:
            session.execute(insert(Job), [old | {"done_at": long_ago} for _ in range(7)])
            session.execute(
                insert(Job), [old, old | {"failed_at": long_ago}, old | {"done_at": long_ago + 2 * A_MOMENT}]
            )
        assert "jobs.prune" in enqueue_due()
        with query_count() as queries:
            while run_next("test", "slow"):
                pass
        left = db.session.execute(select(Job.done_at, Job.failed_at).where(Job.name == "test.old").order_by(Job.id))
        assert [tuple(row) for row in left] == [(None, None), (None, long_ago), (long_ago + 2 * A_MOMENT, None)]
    assert sum(query.startswith("DELETE FROM job") for query in queries) == 3
