"""A gift: who bought it sees how far it has come, and can send it elsewhere."""

from datetime import date

import pytest
from flask import Flask

from store import clock
from store.db import db, transaction
from store.prepaid_cards.gifts import (
    GiftWish,
    GivenCard,
    NoSuchGift,
    correct_address,
    due,
    given_by,
    mark_opened,
    mark_sent,
)
from store.prepaid_cards.redeem import Unredeemable
from store.prepaid_cards.reissue import AlreadyRedeemed
from tests.conftest import both_engines
from tests.prepaid_cards.counter import WISH, Counter
from tests.shop import Person, Shop

pytestmark = both_engines

ON_PAPER = GiftWish("print", "Inès", None, "", date(2026, 12, 1))


@pytest.fixture
def buyer(shop: Shop) -> Person:
    return shop.customer("acheteuse@example.org")


def given(counter: Counter, person: Person) -> list[GivenCard]:
    with counter.app.app_context():
        return given_by(db.session, person.id)


def only_gift(counter: Counter, buyer: Person) -> GivenCard:
    [gift] = given(counter, buyer)
    return gift


def corrected(counter: Counter, gift_id: int, person: Person, address: str = "paulo@example.org") -> None:
    with counter.app.app_context(), transaction() as session:
        correct_address(session, gift_id, person.id, address, keys=counter.keys)


def send(counter: Counter, gift: GivenCard) -> None:
    with counter.app.app_context(), transaction() as session:
        mark_sent(session, gift.gift.id, gift.card.reissue, clock.now())


def open_(counter: Counter, gift: GivenCard) -> None:
    with counter.app.app_context(), transaction() as session:
        mark_opened(session, gift.card.id, clock.now())


def test_the_wish_is_kept_to_the_letter(counter: Counter, buyer: Person) -> None:
    counter.card(buyer, gift=WISH)
    gift = only_gift(counter, buyer).gift
    assert (gift.delivery, gift.recipient_name, gift.recipient_email) == ("email", "Paul", "paul@example.org")
    assert (gift.message, gift.deliver_on) == ("Bon film !", date(2026, 12, 24))
    assert (gift.sent_at, gift.opened_at) == (None, None)


def test_waiting_sent_opened_redeemed(counter: Counter, shop: Shop, buyer: Person) -> None:
    code = counter.card(buyer, gift=WISH)
    states = [only_gift(counter, buyer).state]
    send(counter, only_gift(counter, buyer))
    states.append(only_gift(counter, buyer).state)
    open_(counter, only_gift(counter, buyer))
    states.append(only_gift(counter, buyer).state)
    counter.redeem(code, shop.customer())
    states.append(only_gift(counter, buyer).state)
    assert states == ["waiting", "sent", "opened", "redeemed"]


def test_the_first_opening_counts(counter: Counter, buyer: Person) -> None:
    counter.card(buyer, gift=WISH)
    open_(counter, only_gift(counter, buyer))
    first = only_gift(counter, buyer).gift.opened_at
    open_(counter, only_gift(counter, buyer))
    assert first == only_gift(counter, buyer).gift.opened_at


def test_one_sees_the_gifts_that_one_paid_for_the_youngest_first(counter: Counter, shop: Shop, buyer: Person) -> None:
    counter.card(buyer, gift=WISH)
    counter.card(buyer, 1000, 1000, gift=ON_PAPER)
    counter.card(buyer, gift=WISH, sold=False)
    counter.card(shop.customer(), gift=WISH)
    assert [gift.gift.recipient_name for gift in given(counter, buyer)] == ["Inès", "Paul"]
    assert [gift.card.price_cents for gift in given(counter, buyer)] == [1000, 2000]


def test_due_are_the_paid_mailed_ones_of_today_and_before(app: Flask, counter: Counter, buyer: Person) -> None:
    day, before = date(2026, 12, 24), date(2026, 12, 23)
    counter.card(buyer, gift=ON_PAPER)
    counter.card(buyer, gift=WISH, sold=False)
    used = counter.card(buyer, gift=WISH)
    counter.redeem(used, buyer)
    counter.card(buyer, gift=WISH)
    counter.card(buyer, gift=WISH)
    second, first = (gift.gift.id for gift in given(counter, buyer)[:2])
    with app.app_context():
        assert (due(db.session, before), due(db.session, day)) == ([], [first, second])
    send(counter, given(counter, buyer)[0])
    with app.app_context():
        assert due(db.session, day) == [first]


def test_another_address_another_code(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    old = counter.card(buyer, gift=WISH)
    send(counter, only_gift(counter, buyer))
    open_(counter, only_gift(counter, buyer))
    corrected(counter, only_gift(counter, buyer).gift.id, buyer)
    gift = only_gift(counter, buyer)
    assert (gift.state, gift.gift.recipient_email) == ("waiting", "paulo@example.org")
    with app.app_context():
        assert due(db.session, date(2026, 12, 24)) == [gift.gift.id]
    with pytest.raises(Unredeemable):
        counter.redeem(old, buyer)
    friend = shop.customer()
    counter.redeem(counter.code_on(gift.card), friend)
    assert shop.credit_of(friend) == 2100


def test_a_gift_on_paper_can_be_mailed_after_all(counter: Counter, buyer: Person) -> None:
    counter.card(buyer, gift=ON_PAPER)
    corrected(counter, only_gift(counter, buyer).gift.id, buyer)
    assert only_gift(counter, buyer).gift.delivery == "email"


def test_a_letter_with_the_old_code_does_not_count_as_sent(counter: Counter, buyer: Person) -> None:
    counter.card(buyer, gift=WISH)
    under_way = only_gift(counter, buyer)
    corrected(counter, under_way.gift.id, buyer)
    send(counter, under_way)
    assert only_gift(counter, buyer).state == "waiting"
    send(counter, only_gift(counter, buyer))
    assert only_gift(counter, buyer).state == "sent"


def test_nobody_corrects_the_gift_of_another(counter: Counter, shop: Shop, buyer: Person) -> None:
    code = counter.card(buyer, gift=WISH)
    gift_id = only_gift(counter, buyer).gift.id
    for person, wrong_id in ((shop.customer(), gift_id), (buyer, gift_id + 1)):
        with pytest.raises(NoSuchGift):
            corrected(counter, wrong_id, person)
    assert only_gift(counter, buyer).gift.recipient_email == "paul@example.org"
    counter.redeem(code, buyer)


def test_a_redeemed_gift_goes_nowhere_else(counter: Counter, shop: Shop, buyer: Person) -> None:
    counter.redeem(counter.card(buyer, gift=WISH), shop.customer())
    with pytest.raises(AlreadyRedeemed):
        corrected(counter, only_gift(counter, buyer).gift.id, buyer)
    assert only_gift(counter, buyer).gift.recipient_email == "paul@example.org"
