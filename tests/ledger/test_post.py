"""The only writer of money: what it does, what it refuses, and what the database refuses by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from store import clock
from store.db import db, transaction
from store.ledger.balance import lots_of, statement_of
from store.ledger.chart import RENTAL_SALES
from store.ledger.models import Journal, Posting
from store.ledger.post import IdempotencyConflict, InsufficientCredit, reverse, spend
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
            reverse(session, person.wallet_id, journal_id, kind="undone", key="test:undo", at=clock.now())
    with app.app_context():
        assert sorted(lot.remaining for lot in lots_of(db.session, person.wallet_id)) == [100, 300]
    assert_books_are_right(app)


def test_the_statement_adds_up_line_by_line(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=1000, bonus=100)
    take(app, person, 350, "first")
    take(app, person, 250, "second")
    with app.app_context():
        lines = statement_of(db.session, person.wallet_id)
    assert [(line.amount, line.balance) for line in lines] == [(-250, 500), (-350, 750), (1100, 1100)]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE posting SET amount = 1",
        "UPDATE journal SET kind = 'other'",
        "DELETE FROM posting",
        "DELETE FROM journal",
        "DELETE FROM lot",
        "UPDATE lot SET remaining = -1",
        "UPDATE lot SET remaining = initial + 1",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'promotions', 0)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'promotions', -5)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'piggy', 5)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (99, 'goodwill', 'promotions', 5)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount) VALUES (1, 'goodwill', 'goodwill', 5)",
        "INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)"
        " VALUES (1, 'stored_value', 'rental_sales', 1001, 1)",
    ],
)
def test_the_database_refuses(app: Flask, shop: Shop, tampering: str) -> None:
    shop.customer(credit=1000)
    with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(tampering))
    assert_books_are_right(app)


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("UPDATE lot SET remaining = remaining - 1", "lot 1 says 999"),
        ("UPDATE lot SET initial = initial + 1", "not filled by its first posting"),
        (
            "INSERT INTO lot (wallet_id, kind, reference, initial, remaining, created_at)"
            " SELECT wallet_id, 'paid', 'gift', 500, 500, created_at FROM lot",
            "lot 2 says 500",
        ),
        (
            "INSERT INTO journal (kind, idempotency_key, request_hash, reference, currency, at)"
            " SELECT 'odd', 'odd', '', '', 'EUR', at FROM journal",
            "has no posting",
        ),
        (
            "INSERT INTO posting (journal_id, debit_account, credit_account, amount)"
            " VALUES (1, 'goodwill', 'stored_value', 5)",
            "without a lot",
        ),
    ],
)
def test_the_audit_names_what_was_tampered_with(app: Flask, shop: Shop, tampering: str, named: str) -> None:
    shop.customer(credit=1000)
    with app.app_context(), transaction() as session:
        session.execute(text(tampering))
    with app.app_context():
        assert any(named in difference for difference in differences(db.session))


def test_the_audit_misses_a_guard_that_was_dropped(app: Flask, shop: Shop) -> None:
    with app.app_context(), transaction() as session:
        on = " ON posting" if session.get_bind().dialect.name == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER posting_is_never_changed{on}"))
    with app.app_context():
        assert list(differences(db.session)) == ["guard posting_is_never_changed is missing from the database"]
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 1
