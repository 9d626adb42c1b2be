"""Who streamed what is forgotten a day later; a stream that runs goes on."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update

from store.db import db, transaction
from store.jobs.schedule import enqueue_due
from store.jobs.work import run_next
from store.playback.jobs import KEPT
from store.playback.leases import LONGEST_SILENCE
from store.playback.models import Lease
from tests.conftest import both_engines
from tests.playback.theatre import holder, now, start
from tests.shop import Shop


@both_engines
def test_leases_are_forgotten_after_a_day(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    long_ago = now() - KEPT - timedelta(minutes=1)
    ended = start(app, person, browser="browser-1", at=long_ago)
    silent = start(app, person, browser="browser-2", at=long_ago)
    begun_then = start(app, person, browser="browser-3", at=long_ago + 2 * LONGEST_SILENCE)
    with app.app_context(), transaction() as session:
        session.execute(update(Lease).where(Lease.id == ended.lease_id).values(ended_at=long_ago))
        session.execute(update(Lease).where(Lease.id == begun_then.lease_id).values(seen_at=now()))
    with app.app_context():
        assert "playback.prune_leases" in enqueue_due()
        while run_next("test", "slow"):
            pass
        left = list(db.session.scalars(select(Lease.id)))
    assert left == [begun_then.lease_id] and silent.lease_id not in left
