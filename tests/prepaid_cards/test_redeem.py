"""A card's value moves once, into one wallet, and never past what a wallet may hold."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from store.db import db, transaction
from store.ledger.balance import lots_of
from store.ledger.chart import BONUS_VALUE, PROMOTIONS, STORED_VALUE, STRIPE_CLEARING, UNREDEEMED_CARDS
from store.ledger.models import Journal
from store.prepaid_cards.codes import code_of, read
from store.prepaid_cards.redeem import Unredeemable, redeemed_into
from store.prepaid_cards.reissue import reissue
from store.prepaid_cards.wallet_limit import WalletFull
from tests.conftest import both_engines
from tests.prepaid_cards.counter import Counter
from tests.shop import Person, Shop

pytestmark = both_engines


@pytest.fixture
def buyer(shop: Shop) -> Person:
    return shop.customer("acheteuse@example.org")


def test_a_sold_card_is_owed_until_its_code_is_entered(counter: Counter, shop: Shop, buyer: Person) -> None:
    friend = shop.customer()
    code = counter.card(buyer)
    assert (counter.account(STRIPE_CLEARING), counter.account(UNREDEEMED_CARDS)) == (-2000, 2000)
    assert (shop.credit_of(buyer), shop.credit_of(friend)) == (0, 0)
    counter.redeem(code, friend)
    assert (shop.credit_of(buyer), shop.credit_of(friend)) == (0, 2100)
    assert (counter.account(UNREDEEMED_CARDS), counter.account(STORED_VALUE)) == (0, 2000)
    assert (counter.account(BONUS_VALUE), counter.account(PROMOTIONS)) == (100, -100)
    with counter.app.app_context():
        movements = db.session.execute(select(Journal.kind, Journal.reference).order_by(Journal.id)).all()
    assert movements == [("card_sold", "order:101"), ("card", "order:101")]


def test_the_bonus_lives_a_year_from_redemption_and_the_rest_for_good(
    app: Flask, counter: Counter, shop: Shop, buyer: Person
) -> None:
    code = counter.card(buyer)
    with time_machine.travel("2027-03-01T23:30:00Z", tick=False):
        card_id = counter.redeem(code, buyer)
    with app.app_context():
        expiries = {lot.kind: lot.expires_at for lot in lots_of(db.session, buyer.wallet_id)}
        shown = redeemed_into(db.session, card_id, buyer.wallet_id)
    assert expiries == {"paid": None, "bonus": datetime(2028, 3, 2, 22, 59, 59, tzinfo=UTC)}
    assert (shown.credit_cents, shown.bonus_cents, shown.bonus_expires_at) == (2100, 100, expiries["bonus"])


def test_at_par_there_is_no_bonus(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    counter.redeem(counter.card(buyer, 777, 777), buyer)
    with app.app_context():
        assert [(lot.kind, lot.initial) for lot in lots_of(db.session, buyer.wallet_id)] == [("paid", 777)]


def test_what_a_card_gave_is_shown_to_nobody_else(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    card_id = counter.redeem(counter.card(buyer), buyer)
    stranger = shop.customer()
    unused = counter.find(counter.card(buyer)).id
    with app.app_context():
        assert redeemed_into(db.session, card_id, stranger.wallet_id) is None
        assert redeemed_into(db.session, unused, buyer.wallet_id) is None


def test_unknown_used_replaced_and_unsold_are_one_failure_and_one_query(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, query_count
) -> None:
    friend = shop.customer()
    used, replaced = counter.card(buyer), counter.card(buyer)
    counter.redeem(used, friend)
    with app.app_context(), transaction() as session:
        reissue(session, counter.find(replaced).id, keys=counter.keys)
    codes = [code_of(counter.keys, counter.keys[0][0], 10**6, 0), used, replaced, counter.card(buyer, sold=False)]
    queries = []
    for code in codes:
        with query_count() as asked, pytest.raises(Unredeemable) as failure:
            counter.redeem(code, friend)
        queries.append(asked)
        assert (str(failure.value), failure.value.args) == ("", ())
    assert len(queries[0]) == 1 and queries == [queries[0]] * 4
    assert shop.credit_of(friend) == 2100


def test_two_people_at_once_one_wins(counter: Counter, shop: Shop, buyer: Person) -> None:
    people = [shop.customer(f"{number}@example.org") for number in range(6)]
    for _ in range(3):
        code = counter.card(buyer, 500, 550)
        outcomes = at_once([(code, person) for person in people], counter)
        assert sum(isinstance(outcome, int) for outcome in outcomes) == 1, outcomes
        assert sum(isinstance(outcome, Unredeemable) for outcome in outcomes) == 5, outcomes
    assert sum(map(shop.credit_of, people)) == 3 * 550
    assert (counter.account(UNREDEEMED_CARDS), counter.account(STORED_VALUE)) == (0, 1500)


def test_many_cards_at_once_never_pass_the_limit_of_one_wallet(counter: Counter, shop: Shop, buyer: Person) -> None:
    person = shop.customer(credit=12000)
    codes = [counter.card(buyer, 4000, 4300) for _ in range(6)]
    outcomes = at_once([(code, person) for code in codes], counter)
    assert sum(isinstance(outcome, int) for outcome in outcomes) == 3, outcomes
    assert {outcome.room_cents for outcome in outcomes if isinstance(outcome, WalletFull)} == {100}
    assert shop.credit_of(person) == 12000 + 3 * 4300
    assert counter.account(UNREDEEMED_CARDS) == 3 * 4000


def at_once(tries: list[tuple[str, Person]], counter: Counter) -> list[object]:
    """Each person enters their code at the same moment: the card's id, or what was raised."""
    barrier = threading.Barrier(len(tries))

    def enter(code: str, person: Person) -> object:
        barrier.wait()
        try:
            return counter.redeem(code, person)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(enter, *zip(*tries, strict=True)))


def test_the_code_stays_good_when_the_wallet_is_full(counter: Counter, shop: Shop, buyer: Person) -> None:
    rich = shop.customer(credit=22901)
    code = counter.card(buyer)
    with pytest.raises(WalletFull) as full:
        counter.redeem(code, rich)
    assert full.value.room_cents == 2099
    assert shop.credit_of(rich) == 22901
    counter.redeem(code, buyer)
    assert shop.credit_of(buyer) == 2100


def test_a_wallet_may_be_filled_to_its_limit(counter: Counter, shop: Shop, buyer: Person) -> None:
    person = shop.customer(credit=22900)
    counter.redeem(counter.card(buyer), person)
    assert shop.credit_of(person) == 25000


def test_a_card_of_another_currency_does_not_fit(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    code = counter.card(buyer)
    with app.app_context(), transaction() as session:
        card = session.get_one(type(counter.find(code)), counter.find(code).id)
        card.currency = "CHF"
    with pytest.raises(Unredeemable):
        counter.redeem(code, buyer)
    assert shop.credit_of(buyer) == 0


def test_a_retired_key_keeps_verifying(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    old = counter.card(buyer)
    counter.keys = [(2, "n" * 40), *counter.keys]
    new = counter.card(buyer)
    assert [counter.find(code).key_version for code in (old, new)] == [1, 2]
    counter.redeem(old, buyer)
    counter.redeem(new, buyer)
    assert shop.credit_of(buyer) == 4200
    assert read(old) != read(new)
