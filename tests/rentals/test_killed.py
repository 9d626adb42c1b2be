"""Killed at any point inside renting or buying, then done again: one effect."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.db import db, transaction
from store.ledger.reconcile import differences
from store.rentals.models import Entitlement
from store.rentals.rent import buy, rent
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.rentals.test_rent import TERMS
from tests.shop import Shop


@both_engines
@pytest.mark.parametrize(("act", "price"), [(rent, 350), (buy, 900)])
@pytest.mark.parametrize("step", ["locked", "granted", "posted"])
def test_inside_the_transaction_nothing_has_happened(app: Flask, shop: Shop, act, price: int, step: str) -> None:
    shop.film()
    person = shop.customer(credit=2000)

    def spend() -> None:
        with transaction() as session:
            act(session, person.id, person.wallet_id, "la-sociale", TERMS, clock.now())

    assert is_killed_at(app, f"{act.__name__}.{step}", spend)
    assert shop.credit_of(person) == 2000
    for _ in range(2):
        with app.app_context():
            spend()
    assert shop.credit_of(person) == 2000 - price
    with app.app_context():
        assert db.session.scalar(select(func.count(Entitlement.id))) == 1
        assert list(differences(db.session)) == []
