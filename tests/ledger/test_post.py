"""The only writer of money: what it does and what it refuses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from store import clock
from store.db import db, transaction
from store.ledger.balance import credit_of, is_frozen, lots_of, statement_of
from store.ledger.chart import HELD_BONUS, HELD_VALUE, RENTAL_SALES, STORED_VALUE, TILL, UNREDEEMED_CARDS
from store.ledger.models import Freeze, Journal, Posting
from store.ledger.post import (
    GOODWILL_LIFE,
    AlreadyReversed,
    Entry,
    IdempotencyConflict,
    InsufficientCredit,
    WalletFrozen,
    expire,
    freeze,
    hold,
    lock_wallet,
    reverse,
    spend,
    transfer,
    unfreeze,
)
from store.ledger.reconcile import differences
from tests.conftest import both_engines
from tests.shop import Person, Shop

pytestmark = both_engines


def take(app: Flask, person: Person, amount: int, key: str = "test:spend") -> int:
    with app.app_context(), transaction() as session:
        return spend(
            session,
            person.wallet_id,
            amount,
            currency="EUR",
            kind="rental",
            sales_account=RENTAL_SALES,
            vat_percent=Decimal(20),
            key=key,
            reference=key,
            at=clock.now(),
        )


def assert_books_are_right(app: Flask) -> None:
    with app.app_context():
        assert list(differences(db.session)) == []


def test_spending_takes_the_lot_that_expires_first(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    with app.app_context():
        soon, later = (clock.now() + timedelta(days=days) for days in (10, 300))
    shop.credit(person, 1000, 100, later)
    shop.credit(person, 500, 50, soon)
    take(app, person, 200)
    with app.app_context():
        left = sorted((lot.initial, lot.remaining) for lot in lots_of(db.session, person.wallet_id))
    assert left == [(50, 0), (100, 0), (500, 500), (1000, 950)]
    assert_books_are_right(app)


def test_an_expired_lot_cannot_be_spent(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    with app.app_context():
        shop.credit(person, 100, 500, clock.now() - timedelta(seconds=1))
    assert shop.credit_of(person) == 100
    with pytest.raises(InsufficientCredit) as refusal:
        take(app, person, 150)
    assert refusal.value.missing == 50
    assert shop.credit_of(person) == 100


def test_vat_is_due_on_what_was_paid_and_bonus_is_a_discount(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000)
    with app.app_context():
        shop.credit(person, 0, 100, clock.now() + timedelta(days=1))
    journal_id = take(app, person, 350)
    with app.app_context():
        rows = db.session.execute(
            select(Posting.debit_account, Posting.credit_account, Posting.amount).where(
                Posting.journal_id == journal_id
            )
        ).all()
    assert sorted(rows) == [
        ("bonus_value", "promotions", 100),
        ("stored_value", "rental_sales", 208),
        ("stored_value", "vat_collected", 42),
    ]


def test_a_retry_takes_nothing_more_and_another_content_is_refused(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=350)
    assert take(app, person, 350) == take(app, person, 350)
    assert shop.credit_of(person) == 0
    with pytest.raises(IdempotencyConflict):
        take(app, person, 100)


def test_a_refused_spend_leaves_no_journal(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=100)
    with pytest.raises(InsufficientCredit):
        take(app, person, 350)
    with app.app_context():
        assert db.session.scalar(select(Journal.id).where(Journal.kind == "rental")) is None
    assert_books_are_right(app)


def test_a_reversal_puts_every_cent_back_where_it_was(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=300, bonus=100)
    journal_id = take(app, person, 350)
    for _ in range(2):
        with app.app_context(), transaction() as session:
            reverse(
                session,
                lock_wallet(session, person.wallet_id),
                journal_id,
                kind="undone",
                key="test:undo",
                at=clock.now(),
            )
    with app.app_context():
        assert sorted(lot.remaining for lot in lots_of(db.session, person.wallet_id)) == [100, 300]
    assert_books_are_right(app)


def test_a_journal_is_reversed_once_whatever_key_asks(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000)
    journal_id = take(app, person, 350)

    def undo(key: str) -> None:
        with app.app_context(), transaction() as session:
            wallet = lock_wallet(session, person.wallet_id)
            reverse(session, wallet, journal_id, kind="undone", key=key, at=clock.now())

    undo("first")
    shop.credit(person, 1000)
    take(app, person, 500, "room in the lot that the second reversal would fill")
    with pytest.raises(AlreadyReversed):
        undo("second")
    assert shop.credit_of(person) == 1500
    assert_books_are_right(app)


def test_the_database_itself_refuses_a_second_reversal(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000)
    journal_id = take(app, person, 350)
    journal = {"kind": "undone", "request_hash": "", "reference": "x", "currency": "EUR"}

    def write(key: str) -> None:
        with app.app_context(), transaction() as session:
            values = {**journal, "at": clock.now(), "idempotency_key": key, "reverses_id": journal_id}
            session.execute(insert(Journal).values(values))

    write("first")
    with pytest.raises(IntegrityError):
        write("second")


def test_nothing_is_spent_from_a_frozen_wallet_until_all_that_is_owed_is_settled(app: Flask, shop: Shop) -> None:
    person, other = shop.customer(credit=1000), shop.customer("paul@example.org", credit=1000)

    def at_the_wallet(act: Callable[..., None], reference: str, of: Person = person, **more: Any) -> None:
        with app.app_context(), transaction() as session:
            act(session, lock_wallet(session, of.wallet_id), reference=reference, at=clock.now(), **more)

    def who_is_frozen() -> list[bool]:
        with app.app_context(), transaction() as session:
            return [is_frozen(session, of.wallet_id) for of in (person, other)]

    for reference in ("refund:1", "refund:1", "refund:2"):
        at_the_wallet(freeze, reference, cents=500)
    with pytest.raises(WalletFrozen):
        take(app, person, 350)
    lifted = []
    for _ in range(2):
        at_the_wallet(unfreeze, "refund:1")
        with app.app_context():
            lifted += db.session.scalars(select(Freeze.lifted_at).where(Freeze.reference == "refund:1"))
    assert lifted[0] == lifted[1] is not None
    at_the_wallet(unfreeze, "refund:2", of=other)
    with pytest.raises(WalletFrozen):
        take(app, person, 350)
    assert who_is_frozen() == [True, False]
    take(app, other, 350, "the other's")
    at_the_wallet(unfreeze, "refund:2")
    take(app, person, 350)
    assert who_is_frozen() == [False, False]
    assert shop.credit_of(person) == 650
    assert_books_are_right(app)


def test_the_statement_adds_up_line_by_line(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000, bonus=100)
    take(app, person, 350, "first")
    take(app, person, 250, "second")
    with app.app_context():
        lines = statement_of(db.session, person.wallet_id)
    assert [(line.amount, line.balance) for line in lines] == [(-250, 500), (-350, 750), (1100, 1100)]


def test_holding_takes_of_the_paid_lots_of_one_card_and_releasing_gives_it_back(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000, bonus=100)
    shop.credit(person, 500)
    take(app, person, 200)  # of the oldest lot, which never expires

    def put_aside(amount: int) -> int:
        with app.app_context(), transaction() as session:
            wallet = lock_wallet(session, person.wallet_id)
            return hold(session, wallet, amount, kind="hold", key=f"hold:{amount}", reference="test:1", at=clock.now())

    with pytest.raises(InsufficientCredit) as refusal:
        put_aside(801)
    assert refusal.value.missing == 1
    journal_id = put_aside(800)
    assert put_aside(800) == journal_id
    assert shop.credit_of(person) == 600
    assert_books_are_right(app)
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, person.wallet_id)
        reverse(session, wallet, journal_id, kind="release", key="release", at=clock.now())
    assert shop.credit_of(person) == 1400
    assert_books_are_right(app)


def test_the_bonus_of_a_card_is_held_beside_what_was_paid_for_it(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000, bonus=100)
    shop.credit(person, 500, 50)

    def put_aside(bonus: int, key: str) -> int:
        with app.app_context(), transaction() as session:
            wallet = lock_wallet(session, person.wallet_id)
            return hold(session, wallet, 300, bonus=bonus, kind="hold", key=key, reference="test:1", at=clock.now())

    with pytest.raises(InsufficientCredit):
        put_aside(101, "too much")
    journal_id = put_aside(100, "all of it")
    assert shop.credit_of(person) == 700 + 550
    with app.app_context():
        held = dict(
            db.session.execute(
                select(Posting.credit_account, Posting.amount).where(Posting.journal_id == journal_id)
            ).all()
        )
    assert held == {HELD_VALUE: 300, HELD_BONUS: 100}
    assert_books_are_right(app)


def test_an_expired_bonus_is_booked_once_as_the_end_of_the_promotion(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=100)
    with app.app_context():
        end = clock.now() + timedelta(days=1)
    shop.credit(person, 0, 300, end)
    take(app, person, 120)
    with app.app_context():
        lot_id = next(lot.id for lot in lots_of(db.session, person.wallet_id) if lot.kind == "bonus")

    def sweep(at: datetime) -> int:
        with app.app_context(), transaction() as session:
            return expire(session, lock_wallet(session, person.wallet_id), lot_id, at=at)

    assert sweep(end - timedelta(seconds=1)) == 0
    assert [sweep(end), sweep(end)] == [180, 0]
    with app.app_context():
        ended = db.session.execute(
            select(Posting.debit_account, Posting.credit_account, Posting.amount)
            .join(Journal, Journal.id == Posting.journal_id)
            .where(Journal.kind == "expiry")
        ).all()
    assert ended == [("bonus_value", "promotions", 180)]
    assert_books_are_right(app)


def test_what_is_undone_after_its_lot_expired_comes_back_as_goodwill(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=300)
    with app.app_context():
        now = clock.now()
        end = now + timedelta(days=1)
    shop.credit(person, 0, 100, end)
    journal_id = take(app, person, 350)
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, person.wallet_id)
        reverse(session, wallet, journal_id, kind="undone", key="undo", at=end)
    with app.app_context():
        left = [(lot.kind, lot.remaining, lot.expires_at) for lot in lots_of(db.session, person.wallet_id)]
        assert credit_of(db.session, person.wallet_id, end) == 400
    assert left == [("bonus", 100, end + GOODWILL_LIFE), ("paid", 300, None), ("bonus", 0, end)]
    assert_books_are_right(app)


def test_a_reversal_refuses_another_wallets_journal(app: Flask, shop: Shop) -> None:
    jeanne, paul = shop.customer(credit=500), shop.customer("paul@example.org", credit=500)
    journal_id = take(app, jeanne, 350)
    with app.app_context(), pytest.raises(ValueError), transaction() as session:
        reverse(session, lock_wallet(session, paul.wallet_id), journal_id, kind="undone", key="x", at=clock.now())


def test_a_transfer_moves_house_money_and_no_credit(app: Flask) -> None:
    def move(entry: Entry) -> int:
        with app.app_context(), transaction() as session:
            return transfer(
                session, [entry], kind="card_sold", key="sold", reference="card:1", currency="EUR", at=clock.now()
            )

    assert move(Entry(TILL, UNREDEEMED_CARDS, 2000)) == move(Entry(TILL, UNREDEEMED_CARDS, 2000))
    with pytest.raises(IdempotencyConflict):
        move(Entry(TILL, UNREDEEMED_CARDS, 1000))
    with pytest.raises(ValueError):
        move(Entry(TILL, STORED_VALUE, 2000))
    assert_books_are_right(app)
