"""Stripe's events are forgotten after ninety days, on both engines; younger ones stay."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import insert, select

from store import clock
from store.checkout.jobs import EVENTS_KEPT
from store.checkout.models import WebhookEvent
from store.db import db, transaction
from store.jobs.schedule import enqueue_due
from store.jobs.work import run_next
from tests.conftest import both_engines

A_MOMENT = timedelta(minutes=1)


@both_engines
def test_old_events_are_forgotten(app: Flask) -> None:
    with app.app_context():
        border = clock.now() - EVENTS_KEPT
        ages = {"evt_old": border - A_MOMENT, "evt_young": border + A_MOMENT}
        with transaction() as session:
            rows = [{"id": name, "type": "x", "body": {}, "received_at": at} for name, at in ages.items()]
            session.execute(insert(WebhookEvent), rows)
        assert "checkout.prune_events" in enqueue_due()
        while run_next("test", "slow"):
            pass
        assert list(db.session.scalars(select(WebhookEvent.id))) == ["evt_young"]
