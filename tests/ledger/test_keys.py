"""An idempotency key stands for one act: the same again does nothing, another one is refused and does nothing either."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from store.db import db
from store.ledger.chart import GOODWILL, PROMOTIONS, TILL, UNREDEEMED_CARDS
from store.ledger.models import Journal
from store.ledger.post import Entry, IdempotencyConflict, NewLot
from tests.conftest import both_engines
from tests.ledger.acts import AT, DAY, Books, bonus, paid

pytestmark = both_engines

Act = Callable[..., int]


def assert_once(books: Books, act: Act, others: list[Act]) -> None:
    """The act and its repetition have one effect; under the same key the others have none."""
    journal_id = act(key="once")
    before = everything(books)
    assert act(key="once") == journal_id
    for other in others:
        with pytest.raises(IdempotencyConflict):
            other(key="once")
    assert everything(books) == before
    assert books.differences() == []


def everything(books: Books) -> list[tuple]:
    with books.app.app_context():
        journals = db.session.scalars(select(Journal.id).order_by(Journal.id)).all()
    return [(journal_id, *books.postings(journal_id)) for journal_id in journals]


def with_(act: Act, *what: object, **how: object) -> Act:
    return lambda **key: act(*what, **how, **key)


def test_a_deposit(books: Books) -> None:
    one, other = books.wallet(), books.wallet()
    swiss = books.wallet(currency="CHF")
    lots = [paid(500), bonus(50)]
    assert_once(
        books,
        with_(books.deposit, one, *lots),
        [
            with_(books.deposit, other, *lots),
            with_(books.deposit, swiss, *lots),
            with_(books.deposit, one, *lots, kind="refund"),
            with_(books.deposit, one, *lots, reference="card:2"),
            with_(books.deposit, one, paid(501), bonus(50)),
            with_(books.deposit, one, paid(500), bonus(49)),
            with_(books.deposit, one, paid(500), paid(50)),
            with_(books.deposit, one, bonus(50), paid(500)),
            with_(books.deposit, one, NewLot("paid", 500, TILL), bonus(50)),
            with_(books.deposit, one, paid(500)),
        ],
    )


def test_a_deposit_that_is_repeated_a_day_later_is_the_same(books: Books) -> None:
    """A bonus is given twelve months from the day on which it is credited: a retry after midnight counts another end."""
    wallet_id = books.wallet()
    first = books.deposit(wallet_id, bonus(50, AT + 365 * DAY), key="once")
    assert books.deposit(wallet_id, bonus(50, AT + 366 * DAY), key="once", at=AT + DAY) == first
    assert books.remaining(wallet_id) == [50]


def test_a_spend(books: Books) -> None:
    one, other = books.wallet(paid(1000)), books.wallet(paid(1000))
    assert_once(
        books,
        with_(books.spend, one, 350),
        [
            with_(books.spend, other, 350),
            with_(books.spend, one, 351),
            with_(books.spend, one, 350, kind="purchase"),
            with_(books.spend, one, 350, reference="film:2"),
        ],
    )


def test_a_hold(books: Books) -> None:
    one, other = books.wallet(paid(1000)), books.wallet(paid(1000))
    books.deposit(one, paid(1000), reference="card:2")
    assert_once(
        books,
        with_(books.hold, one, 350),
        [
            with_(books.hold, other, 350),
            with_(books.hold, one, 351),
            with_(books.hold, one, 350, kind="dispute"),
            with_(books.hold, one, 350, reference="card:2"),
            with_(books.hold, one, 350, bonus=1),
        ],
    )


def test_a_hold_with_bonus(books: Books) -> None:
    one, other = (books.wallet(paid(1000), bonus(100)) for _ in range(2))
    assert_once(
        books,
        with_(books.hold, one, 350, bonus=10),
        [
            with_(books.hold, other, 350, bonus=10),
            with_(books.hold, one, 351, bonus=10),
            with_(books.hold, one, 350, bonus=11),
        ],
    )


def test_a_transfer(books: Books) -> None:
    entry = Entry(TILL, UNREDEEMED_CARDS, 2000)
    assert_once(
        books,
        with_(books.transfer, entry),
        [
            with_(books.transfer, Entry(GOODWILL, UNREDEEMED_CARDS, 2000)),
            with_(books.transfer, Entry(TILL, PROMOTIONS, 2000)),
            with_(books.transfer, Entry(TILL, UNREDEEMED_CARDS, 2001)),
            with_(books.transfer, entry, entry),
            with_(books.transfer, entry, kind="gift"),
            with_(books.transfer, entry, reference="card:2"),
            with_(books.transfer, entry, currency="CHF"),
        ],
    )


def test_a_reversal(books: Books) -> None:
    one, other = books.wallet(paid(1000)), books.wallet(paid(1000))
    journal_id, another = books.spend(one, 350), books.spend(one, 350)
    of_the_other = books.spend(other, 350)
    assert_once(
        books,
        with_(books.reverse, one, journal_id),
        [
            with_(books.reverse, one, another),
            with_(books.reverse, other, of_the_other),
            with_(books.reverse, one, journal_id, kind="refund"),
        ],
    )


def test_a_retry_after_an_update_of_the_shop_is_still_a_retry(books: Books, app: Flask) -> None:
    """The journal keeps a digest of what was asked for: one that another release counted must be the same."""
    wallet_id = books.wallet()
    journal_ids = [
        books.deposit(wallet_id, paid(500), bonus(50), kind="card", reference="carte:é"),
        books.spend(wallet_id, 100),
        books.hold(wallet_id, 200, reference="carte:é"),
    ]
    with app.app_context():
        digests = dict(db.session.execute(select(Journal.id, Journal.request_hash)).all())
    assert [digests[journal_id] for journal_id in journal_ids] == [
        "75c839b797d9db48ce2f9143419e9ad3ff66ece4edbc5f134faae1396a0b14e0",
        "c70edb07015a2c843a01e7b036a7c822ccd66101010ac0db341f477800dc8fbf",
        "0d2c1095b59628b162860e81aa2036a60fc2635d1137aa601e3a4a69a22145fd",
    ]
