"""Undoing a rental: only what can still be begun, and once, wherever the process is killed."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from store import clock
from store.db import db, transaction
from store.ledger.reconcile import differences
from store.rentals.rent import rent
from store.rentals.standing import films_of
from store.rentals.undo import TooLate, undo
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.rentals.test_rent import TERMS
from tests.shop import Person, Shop

pytestmark = both_engines


def rent_it(app: Flask, person: Person, at: datetime) -> int:
    with app.app_context(), transaction() as session:
        return rent(session, person.id, person.wallet_id, "la-sociale", TERMS, at).entitlement_id


def undo_it(app: Flask, person: Person, at: datetime) -> int:
    with app.app_context(), transaction() as session:
        return undo(session, person.id, person.wallet_id, "la-sociale", at)


def now(app: Flask) -> datetime:
    with app.app_context():
        return clock.now()


def test_a_rental_that_lapsed_is_not_undone(app: Flask, shop: Shop) -> None:
    shop.film()
    person, begun = shop.customer(credit=1000), now(app)
    lapsed = rent_it(app, person, begun)
    after = begun + timedelta(days=TERMS.start_days)
    with pytest.raises(TooLate):
        undo_it(app, person, after)
    assert shop.credit_of(person) == 650
    present = rent_it(app, person, after)
    assert undo_it(app, person, after) == 350
    with app.app_context():
        undone = {film.standing.entitlement_id: film.revoked_at for film in films_of(db.session, person.id, after)}
    assert undone == {lapsed: None, present: after}


@pytest.mark.parametrize("step", ["locked", "revoked", "reversed"])
def test_killed_inside_nothing_is_undone(app: Flask, shop: Shop, step: str) -> None:
    shop.film()
    person, at = shop.customer(credit=1000), now(app)
    rent_it(app, person, at)
    assert is_killed_at(app, f"undo.{step}", lambda: undo_it(app, person, at))
    assert shop.credit_of(person) == 650
    assert undo_it(app, person, at) == 350
    with pytest.raises(TooLate):
        undo_it(app, person, at)
    assert shop.credit_of(person) == 1000
    with app.app_context():
        assert list(differences(db.session)) == []
