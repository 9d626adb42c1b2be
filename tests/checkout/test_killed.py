"""Killed at any named step of starting or settling a purchase, or of giving its film, then done again: one effect."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.checkout.fulfil import settle
from store.checkout.grant_film import grant_film
from store.checkout.models import Order
from store.checkout.reconcile import reconcile
from store.checkout.start import Purchase, open_session, start
from store.db import db
from store.jobs.models import Job
from tests.checkout.stripe_side import announce_debit, end_debit, pay
from tests.checkout.test_buying_a_card import do_jobs, lots, order_card
from tests.checkout.test_gap import change_film, held, order_gap
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Person, Shop


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
    assert jobs_named(app, "checkout.mail_confirmation") == 1


@both_engines
@pytest.mark.parametrize("step", ["ordered", "session_made", "joined"])
def test_starting(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    person = shop.customer()

    def press_the_button() -> None:
        purchase = Purchase(person.id, person.wallet_id, person.email, "self", 2000, 2100)
        start(purchase, lambda: "Card", clock.now())

    assert is_killed_at(app, f"checkout.{step}", press_the_button)
    with app.app_context():
        [order] = db.session.scalars(select(Order))
        same_session = open_session(order, person.email, "Card").id  # the stored key gives the same Session
        assert order.stripe_session_id in (None, same_session)
        pay(sandbox, same_session)
        list(reconcile(clock.now() - timedelta(hours=1), clock.now()))
    assert lots(app) == [2000, 100]


@both_engines
@pytest.mark.parametrize("step", ["credited", "committed"])
def test_settling_several_cards(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    session_id = order_card(shop.signed_in(shop.customer()), combien="3")
    pay(sandbox, session_id)
    assert is_killed_at(app, f"settle.{step}", lambda: settle(session_id))
    assert lots(app) == ([2000, 100] * 3 if step == "committed" else [])
    with app.app_context():
        settle(session_id)
    assert lots(app) == [2000, 100] * 3


@both_engines
def test_noting_that_a_bank_did_not_pay(app: Flask, shop: Shop, sandbox: str) -> None:
    session_id = order_card(shop.signed_in(shop.customer()))
    end_debit(sandbox, announce_debit(sandbox, session_id), "failed")
    assert is_killed_at(app, "settle.noted", lambda: settle(session_id))
    with app.app_context():
        assert settle(session_id) == "failed"
    assert jobs_named(app, "checkout.mail_failed") == 1


@both_engines
@pytest.mark.parametrize("step", ["film.locked", "rent.posted", "film.granted", "film.committed"])
def test_giving_the_film(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    order_id, person = a_paid_gap(app, shop, sandbox)
    assert is_killed_at(app, step, lambda: grant_film(order_id, clock.now()))
    assert held(app) == ([(person.id, "rental", 350)] if step == "film.committed" else [])
    do_jobs(app)
    assert held(app) == [(person.id, "rental", 350)]
    assert (shop.credit_of(person), jobs_named(app, "rentals.mail_granted")) == (0, 1)


@both_engines
@pytest.mark.parametrize("step", ["film.given_up", "film.committed"])
def test_giving_up_the_film(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    order_id, person = a_paid_gap(app, shop, sandbox)
    change_film(app, recipe=None)
    assert is_killed_at(app, step, lambda: grant_film(order_id, clock.now()))
    do_jobs(app)
    assert (held(app), shop.credit_of(person)) == ([], 350)
    assert jobs_named(app, "checkout.mail_film_missed") == 1


def a_paid_gap(app: Flask, shop: Shop, sandbox: str) -> tuple[int, Person]:
    """The order of what was missing for a film, paid and settled, and whose it is."""
    shop.film()
    person = shop.customer(credit=210)
    session_id = order_gap(shop.signed_in(person))
    pay(sandbox, session_id)
    with app.app_context():
        settle(session_id)
        return db.session.scalars(select(Order.id)).one(), person


def jobs_named(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(select(func.count(Job.id)).where(Job.name == name)).one()
