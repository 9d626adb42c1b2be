"""Suspended cards: paid for, counted in public, handed out once each, the oldest first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from store import clock
from store.db import db, transaction
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.pool import PoolCount, PoolIsEmpty, count, hand_out
from tests.conftest import both_engines
from tests.prepaid_cards.counter import Counter
from tests.shop import Person, Shop

pytestmark = both_engines


@pytest.fixture
def buyer(shop: Shop) -> Person:
    return shop.customer("acheteuse@example.org")


def handed_out(app: Flask, price_cents: int | None = None) -> PrepaidCard:
    with app.app_context(), transaction() as session:
        return hand_out(session, at=clock.now(), price_cents=price_cents)


def counted(app: Flask) -> PoolCount:
    with app.app_context():
        return count(db.session)


def test_a_suspended_card_waits_is_handed_out_and_spent(
    app: Flask, counter: Counter, shop: Shop, buyer: Person
) -> None:
    counter.card(buyer, purpose="suspended", sold=False)
    counter.card(buyer, purpose="gift")
    assert counted(app) == PoolCount(0, 0, 0)
    code = counter.card(buyer, purpose="suspended")
    assert counted(app) == PoolCount(1, 2100, 0)
    card = handed_out(app)
    assert counter.code_on(card) == code
    assert counted(app) == PoolCount(0, 0, 1)
    friend = shop.customer()
    counter.redeem(code, friend)
    assert (shop.credit_of(friend), counted(app)) == (2100, PoolCount(0, 0, 1))


def test_the_oldest_goes_first_of_the_price_that_is_asked_for(app: Flask, counter: Counter, buyer: Person) -> None:
    cards = [counter.card(buyer, price, price, "suspended") for price in (1000, 2000, 1000, 2000)]
    order = [handed_out(app, 2000), handed_out(app), handed_out(app, 1000), handed_out(app)]
    assert [counter.code_on(card) for card in order] == [cards[1], cards[0], cards[2], cards[3]]
    for price in (1000, None):
        with pytest.raises(PoolIsEmpty):
            handed_out(app, price)


def test_two_at_the_desk_never_hand_out_one_card(app: Flask, counter: Counter, buyer: Person) -> None:
    cards = {counter.find(counter.card(buyer, purpose="suspended")).id for _ in range(6)}
    barrier = threading.Barrier(6)

    def take(_: int) -> int:
        barrier.wait()
        return handed_out(app).id

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(take, range(6))) == cards
    assert counted(app) == PoolCount(0, 0, 6)
