"""One round of each kind; `make soak` takes a hundred."""

import pytest
from flask import Flask

from store.db import db
from store.ledger.reconcile import differences
from tests.conftest import both_engines
from tests.shop import Shop
from tests.soak import stampedes


@both_engines
def test_of_forty_at_once_one_wins(app: Flask, shop: Shop) -> None:
    shop.film(stampedes.FILM)
    rounds = [one for kind in stampedes.KINDS for one in kind(app, shop, 1)]
    assert list(stampedes.stampede(app, rounds)) == []
    with app.app_context():
        assert list(differences(db.session)) == []


@pytest.mark.parametrize("answers", [[422] * 40, [303] * 2 + [422] * 38, [303] + [422] * 38 + [400]])
def test_another_number_of_winners_is_seen(answers: list[int]) -> None:
    assert list(stampedes._one_winner(answers))
