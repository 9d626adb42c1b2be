"""Killed at any named step of starting or settling a purchase, then done again: one effect."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.checkout.fulfil import settle
from store.checkout.models import Order
from store.checkout.reconcile import reconcile
from store.checkout.start import Purchase, open_session, start
from store.db import db
from store.jobs.models import Job
from tests.checkout.stripe_side import pay
from tests.checkout.test_buying_a_card import lots, order_card
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Shop


@both_engines
@pytest.mark.parametrize("step", ["fetched", "locked", "credited", "enqueued", "committed"])
def test_settling(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    session_id = order_card(shop.signed_in(shop.customer()))
    pay(sandbox, session_id)
    assert is_killed_at(app, f"settle.{step}", lambda: settle(session_id))
    assert lots(app) == ([2000, 100] if step == "committed" else [])
    with app.app_context():
        settle(session_id)
    assert lots(app) == [2000, 100]
    with app.app_context():
        letters = select(func.count(Job.id)).where(Job.name == "checkout.mail_confirmation")
        assert db.session.scalar(letters) == 1


@both_engines
@pytest.mark.parametrize("step", ["ordered", "session_made", "joined"])
def test_starting(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    person = shop.customer()

    def press_the_button() -> None:
        purchase = Purchase(person.id, person.wallet_id, person.email, "self", 2000, 2100)
        start(purchase, "Card", clock.now())

    assert is_killed_at(app, f"checkout.{step}", press_the_button)
    with app.app_context():
        [order] = db.session.scalars(select(Order))
        same_session = open_session(order, person.email, "Card").id  # the stored key gives the same Session
        assert order.stripe_session_id in (None, same_session)
        pay(sandbox, same_session)
        list(reconcile(clock.now() - timedelta(hours=1), clock.now()))
    assert lots(app) == [2000, 100]
