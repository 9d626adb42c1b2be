"""Renting and buying: what is charged, and what never is."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from store import clock
from store.catalogue.models import Film
from store.db import db, transaction
from store.ledger.post import InsufficientCredit, freeze, lock_wallet
from store.ledger.reconcile import differences
from store.rentals.models import Entitlement
from store.rentals.rent import Grant, NotForSale, Terms, buy, rent
from store.rentals.undo import TooLate, undo
from tests.conftest import both_engines
from tests.shop import Person, Shop, csrf_of

TERMS = Terms(30, Decimal(20))

pytestmark = both_engines


def act(app: Flask, how: Callable[..., Grant], person: Person, slug: str) -> Grant:
    with app.app_context(), transaction() as session:
        return how(session, person.id, person.wallet_id, slug, TERMS, clock.now())


def at_once(tasks: list[Callable[[], object]]) -> list[object]:
    """Run the tasks at the same moment; the results, exceptions among them."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return task()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def test_a_rental_is_paid_from_credit_once(app: Flask, shop: Shop) -> None:
    shop.film()
    person = shop.customer(credit=2000)
    first = act(app, rent, person, "la-sociale")
    again = act(app, rent, person, "la-sociale")
    assert (first.is_new, again.is_new, first.entitlement_id == again.entitlement_id) == (True, False, True)
    assert shop.credit_of(person) == 1650


def test_the_price_is_that_of_the_shops_day(app: Flask, shop: Shop) -> None:
    """Half past midnight in Paris is still yesterday in UTC; the film's first year has ended with that yesterday."""
    person = shop.customer(credit=350)
    film_id = shop.film()
    with app.app_context(), transaction() as session:
        session.execute(update(Film).where(Film.id == film_id).values(released_on=date(2025, 6, 15)))
    with app.app_context(), transaction() as session:
        at = datetime(2026, 6, 14, 22, 30, tzinfo=UTC)
        rent(session, person.id, person.wallet_id, "la-sociale", TERMS, at)
    assert shop.credit_of(person) == 0


def test_a_rented_film_can_be_bought_and_a_bought_one_is_never_charged_again(app: Flask, shop: Shop) -> None:
    shop.film()
    person = shop.customer(credit=2000)
    act(app, rent, person, "la-sociale")
    act(app, buy, person, "la-sociale")
    for how in (rent, buy):
        assert not act(app, how, person, "la-sociale").is_new
    assert shop.credit_of(person) == 2000 - 350 - 900


def test_what_cannot_be_played_is_not_sold(app: Flask, shop: Shop) -> None:
    shop.film(playable=False)
    person = shop.customer(credit=2000)
    for slug in ("la-sociale", "no-such-film"):
        with pytest.raises(NotForSale):
            act(app, rent, person, slug)
    assert shop.credit_of(person) == 2000


def test_forty_rents_at_once_with_credit_for_three(app: Flask, shop: Shop) -> None:
    for number in range(40):
        shop.film(f"film-{number}", minutes=45)
    person = shop.customer(credit=999)
    outcomes = at_once([lambda slug=f"film-{number}": act(app, rent, person, slug) for number in range(40)])
    assert sum(isinstance(outcome, Grant) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, InsufficientCredit) for outcome in outcomes) == 37
    assert shop.credit_of(person) == 249
    with app.app_context():
        assert db.session.scalar(select(func.count(Entitlement.id))) == 3
        assert list(differences(db.session)) == []


def test_two_browsers_renting_one_film_pay_once(app: Flask, shop: Shop) -> None:
    shop.film()
    person = shop.customer(credit=2000)
    outcomes = at_once([lambda: act(app, rent, person, "la-sociale")] * 8)
    assert sorted(outcome.is_new for outcome in outcomes) == [False] * 7 + [True]
    assert shop.credit_of(person) == 1650


def test_undoing_gives_everything_back_until_it_has_begun(app: Flask, shop: Shop) -> None:
    shop.film()
    person = shop.customer(credit=300, bonus=100)
    act(app, rent, person, "la-sociale")

    def undo_it() -> int:
        with app.app_context(), transaction() as session:
            return undo(session, person.id, person.wallet_id, "la-sociale", clock.now())

    outcomes = at_once([undo_it] * 4)
    assert sorted(map(str, outcomes)) == sorted(["350", *["la-sociale"] * 3])
    assert shop.credit_of(person) == 400
    held = act(app, rent, person, "la-sociale")
    with app.app_context(), transaction() as session:
        now = clock.now()
        entitlement = session.get_one(Entitlement, held.entitlement_id)
        entitlement.begun_at, entitlement.ends_at = now, now + timedelta(hours=72)
    with pytest.raises(TooLate):
        undo_it()


def test_a_frozen_wallet_rents_nothing_and_says_why(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000)
    shop.film()
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, person.wallet_id)
        freeze(session, wallet, reference="refund:1", cents=500, at=clock.now())
    client = shop.signed_in(person)
    token = csrf_of(client, "/films/la-sociale")
    answer = client.post("/films/la-sociale/louer", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/films/la-sociale")
    assert "Votre crédit est gelé" in client.get("/films/la-sociale").text
    assert shop.credit_of(person) == 1000
