"""Thirty-two at once, in two processes: nobody is refused by the database, nobody spends what is not there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from store import clock
from store.checkout.models import Order
from store.db import db, transaction
from store.ledger.balance import outstanding
from store.ledger.models import Lot
from store.ledger.post import lock_wallet, reverse
from store.ledger.reconcile import differences
from store.prepaid_cards.expire import book_expiry, expired_lots
from store.prepaid_cards.models import PrepaidCard
from tests.checkout import sales
from tests.conftest import both_engines
from tests.ledger.test_post import take
from tests.shop import Person, Shop
from tests.soak.races import Tally, cross, spend_at_once

SECONDS = 1


def assert_nothing_is_lost(app: Flask, people: list[Person], credit: int, tally: Tally) -> None:
    assert tally.errors == []
    with app.app_context():
        assert list(differences(db.session)) == []
        left = dict(db.session.execute(select(Lot.wallet_id, func.sum(Lot.remaining)).group_by(Lot.wallet_id)).all())
    assert left == {person.wallet_id: credit + tally.moved.get(person.wallet_id, 0) for person in people}


@both_engines
def test_spends_from_few_wallets(app: Flask, shop: Shop) -> None:
    people = [shop.customer(f"{number}@example.org", credit=1000) for number in range(3)]
    tally = spend_at_once(app, [person.wallet_id for person in people], 300, SECONDS, seed=1)
    assert (tally.done, tally.moved) == (9, {person.wallet_id: -900 for person in people})
    assert tally.refused > 0
    assert_nothing_is_lost(app, people, 1000, tally)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_pairs_of_wallets_in_crossing_order(app: Flask, shop: Shop) -> None:
    people = [shop.customer(f"{number}@example.org", credit=5000) for number in range(3)]
    tally = cross(app, [person.wallet_id for person in people], SECONDS, seed=1)
    assert tally.done > 0
    assert_nothing_is_lost(app, people, 5000, tally)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_who_refers_to_a_wallet_may_lock_it_too(app: Flask, shop: Shop) -> None:
    """Two cards of one customer are settled at once: each names its wallet first, and asks for its lock then."""
    person = shop.customer()
    order_ids = [sales.order(app, person) for _ in range(2)]
    both_refer = threading.Barrier(2)

    def settle(order_id: int) -> None:
        with app.app_context(), transaction() as session:
            card = sales.card_of(session, session.get_one(Order, order_id))
            redeemed = {"activated_at": clock.now(), "redeemed_at": clock.now(), "wallet_id": person.wallet_id}
            session.execute(update(PrepaidCard).where(PrepaidCard.id == card.id).values(redeemed))
            both_refer.wait(timeout=10)
            lock_wallet(session, person.wallet_id)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(settle, order_id) for order_id in order_ids]:
            done.result()


@both_engines
def test_a_refund_that_the_sweeper_overtook_is_swept_too(app: Flask, shop: Shop) -> None:
    """It began before the lot's end, waited for the wallet, and filled the lot after its end was booked."""
    person = shop.customer()
    with app.app_context():
        end = clock.now() + timedelta(days=1)
    shop.credit(person, 100, 300, end)
    journal_id = take(app, person, 120)
    before, after = end - timedelta(seconds=1), end + timedelta(seconds=1)

    def sweep() -> list[int]:
        with app.app_context():
            endings = expired_lots(db.session, after)
            with transaction() as session:
                return [book_expiry(session, ending, after) for ending in endings]

    assert sweep() == [180]
    with app.app_context(), transaction() as session:
        reverse(session, lock_wallet(session, person.wallet_id), journal_id, kind="undone", key="undo", at=before)
    assert sweep() == [120]
    assert sweep() == []
    with app.app_context():
        assert list(differences(db.session)) == []
        assert outstanding(db.session).bonus == 0
