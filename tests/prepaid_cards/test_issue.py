"""From order to worth: a card is issued once, activated once, and a new code ends the old one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.db import db, transaction
from store.ledger.chart import STORED_VALUE, STRIPE_CLEARING, UNREDEEMED_CARDS
from store.prepaid_cards.codes import KeyIsGone, read
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.own import describe, tickets_of
from store.prepaid_cards.redeem import Unredeemable
from store.prepaid_cards.reissue import AlreadyRedeemed, reissue
from tests.conftest import both_engines
from tests.prepaid_cards.counter import Counter
from tests.shop import Person, Shop

pytestmark = both_engines


@pytest.fixture
def buyer(shop: Shop) -> Person:
    return shop.customer("acheteuse@example.org")


def test_a_card_for_oneself_is_credited_as_it_is_paid(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    reference = counter.card(buyer, purpose="self", sold=False)
    assert shop.credit_of(buyer) == 0
    counter.pay(reference, buyer)
    assert shop.credit_of(buyer) == 2100
    assert (counter.account(STRIPE_CLEARING), counter.account(STORED_VALUE)) == (-2000, 2000)
    assert counter.account(UNREDEEMED_CARDS) == 0
    with app.app_context():
        card = db.session.scalars(select(PrepaidCard)).one()
        assert (card.lookup_digest, card.key_version, card.wallet_id) == (None, None, buyer.wallet_id)
        assert card.activated_at == card.redeemed_at
        assert [ticket.last4 for ticket in tickets_of(db.session, buyer.wallet_id)] == [card.last4] * 2
        assert describe(db.session, [reference, "other"])[reference].credit_cents == 2100


def test_a_card_for_oneself_is_not_paid_into_nowhere(app: Flask, counter: Counter, buyer: Person) -> None:
    reference = counter.card(buyer, purpose="self", sold=False)
    with pytest.raises(ValueError):
        counter.pay(reference, Person(buyer.id, None, buyer.email))
    with app.app_context():
        assert db.session.scalars(select(PrepaidCard.activated_at)).one() is None


@pytest.mark.parametrize("purpose", ["self", "gift", "suspended"])
def test_placing_and_paying_an_order_again_does_nothing_more(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, purpose: str
) -> None:
    first = counter.card(buyer, purpose=purpose)
    counter._orders -= 1
    assert counter.card(buyer, purpose=purpose) == first
    assert counter.account(STRIPE_CLEARING) == -2000
    with app.app_context():
        assert db.session.scalars(select(func.count(PrepaidCard.id))).one() == 1


def test_one_order_paid_by_many_at_once_is_paid_once(counter: Counter, shop: Shop, buyer: Person) -> None:
    """Each has a key of its own, so that the ledger would take them for different payments: the card's lock decides."""
    counter.card(buyer, sold=False)
    own = counter.card(buyer, purpose="self", sold=False)
    barrier = threading.Barrier(8)

    def pay(number: int) -> None:
        barrier.wait()
        counter.pay(("order:101", own)[number % 2], buyer, f"test:{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pay, range(8)))
    assert (counter.account(STRIPE_CLEARING), counter.account(UNREDEEMED_CARDS)) == (-4000, 2000)
    assert shop.credit_of(buyer) == 2100


def test_an_unpaid_card_is_worth_nothing(counter: Counter, shop: Shop, buyer: Person) -> None:
    code = counter.card(buyer, sold=False)
    with pytest.raises(Unredeemable):
        counter.redeem(code, buyer)
    counter.pay("order:101", buyer)
    counter.redeem(code, buyer)
    assert shop.credit_of(buyer) == 2100


def test_a_card_keeps_its_terms_when_it_is_issued(app: Flask, counter: Counter, buyer: Person) -> None:
    card = counter.find(counter.card(buyer, 5000, 5500, sold=False))
    assert (card.price_cents, card.credit_cents, card.currency, card.bought_by) == (5000, 5500, "EUR", buyer.id)
    assert (card.reissue, card.key_version, card.activated_at, card.wallet_id) == (0, 1, None, None)
    with app.app_context():
        assert card.issued_at <= clock.now()


def test_what_is_shown_of_a_code_is_its_end(counter: Counter, buyer: Person) -> None:
    code = counter.card(buyer)
    assert counter.find(code).last4 == code[-4:]


def test_a_reissue_ends_the_old_code(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    old = counter.card(buyer)
    with app.app_context(), transaction() as session:
        card = reissue(session, counter.find(old).id, keys=counter.keys)
    new = counter.code_on(card)
    assert new != old and counter.find(new).last4 == new[-4:]
    with pytest.raises(Unredeemable):
        counter.redeem(old, buyer)
    counter.redeem(new, buyer)
    assert shop.credit_of(buyer) == 2100


def test_a_reissue_is_made_with_the_key_in_use(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    card_id = counter.find(counter.card(buyer)).id
    counter.keys = [(7, "n" * 40), *counter.keys]
    with app.app_context(), transaction() as session:
        card = reissue(session, card_id, keys=counter.keys)
    assert (card.key_version, card.reissue) == (7, 1)
    counter.redeem(counter.code_on(card), buyer)
    assert shop.credit_of(buyer) == 2100


def test_a_redeemed_card_is_not_reissued(app: Flask, counter: Counter, buyer: Person) -> None:
    used = counter.redeem(counter.card(buyer), buyer)
    own = counter.card(buyer, purpose="self", sold=False)
    with app.app_context():
        own_id = db.session.scalars(select(PrepaidCard.id).where(PrepaidCard.reference == own)).one()
        for card_id in (used, own_id):
            with pytest.raises(AlreadyRedeemed), transaction() as session:
                reissue(session, card_id, keys=counter.keys)


def test_reissue_and_redemption_at_once_never_both(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    outcomes = []
    for number in range(8):
        person = shop.customer(f"{number}@example.org")
        code = counter.card(buyer)
        card_id = counter.find(code).id
        barrier = threading.Barrier(2)

        def replace(card_id: int = card_id, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                with app.app_context(), transaction() as session:
                    reissue(session, card_id, keys=counter.keys)
            except AlreadyRedeemed:
                return False
            return True

        def use(code: str = code, person: Person = person, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                counter.redeem(code, person)
            except Unredeemable:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            outcomes.append([future.result() for future in (pool.submit(replace), pool.submit(use))])
    assert all(sorted(outcome) == [False, True] for outcome in outcomes), outcomes


@pytest.mark.parametrize("typed", ["upper", "lower"])
def test_the_digest_stands_for_the_code_as_it_is_read(counter: Counter, buyer: Person, typed: str) -> None:
    code = counter.card(buyer)
    assert counter.find(read(getattr(code, typed)())).credit_cents == 2100


def test_a_gone_key_is_named(app: Flask, counter: Counter, buyer: Person) -> None:
    card = counter.find(counter.card(buyer))
    counter.keys = [(9, "n" * 40)]
    with pytest.raises(KeyIsGone, match="version 1"):
        counter.code_on(card)
    own = counter.card(buyer, purpose="self")
    with app.app_context(), pytest.raises(KeyIsGone):
        counter.code_on(db.session.scalars(select(PrepaidCard).where(PrepaidCard.reference == own)).one())
