"""The end of bonus credit: unspendable at once, announced three times, booked once."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.db import db, transaction
from store.jobs.work import run_next
from store.ledger.models import Journal
from store.ledger.reconcile import differences
from store.prepaid_cards.expire import book_expiry, expired_lots
from store.prepaid_cards.jobs import expire_lots, remind
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Shop

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time_stands():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@both_engines
def test_the_sweeper_books_an_end_once(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    shop.credit(person, 1000, 100, NOON + timedelta(days=1))
    with time_machine.travel(NOON + timedelta(days=1), tick=False), app.app_context():
        assert shop.credit_of(person) == 1000  # before any sweep
        for _ in range(2):
            expire_lots()
        ends = db.session.scalar(select(func.count(Journal.id)).where(Journal.kind == "expiry"))
        assert (ends, list(differences(db.session))) == (1, [])
    assert shop.credit_of(person) == 1000


@both_engines
@pytest.mark.parametrize("step", ["locked", "posted"])
def test_killed_while_booking_an_end(app: Flask, shop: Shop, step: str) -> None:
    person = shop.customer()
    shop.credit(person, 1000, 100, NOON - timedelta(days=1))
    with app.app_context():
        [ending] = expired_lots(db.session, NOON)

    def book() -> None:
        with transaction() as session:
            book_expiry(session, ending, clock.now())

    assert is_killed_at(app, f"expire.{step}", book)
    with app.app_context():
        assert expired_lots(db.session, NOON) == [ending]
        expire_lots()
        assert expired_lots(db.session, NOON) == []
        assert list(differences(db.session)) == []


def letters(app: Flask) -> list[str]:
    with app.app_context():
        remind()
        while run_next("test", "prompt"):
            pass
    folder = Path(app.config["MAIL_URL"].removeprefix("file:"))
    return sorted(path.stem for path in folder.glob("expiry-*.eml"))


@both_engines
def test_each_distance_is_announced_once(app: Flask, shop: Shop, _time_stands) -> None:
    person = shop.customer()
    end = NOON + timedelta(days=100)
    shop.credit(person, 1000, 100, end)
    seen = {}
    for days in range(100, -2, -1):
        _time_stands.move_to(end - timedelta(days=days))
        seen[days] = len(letters(app))
    assert [days for days in range(99, -2, -1) if seen[days] > seen[days + 1]] == [60, 15, 3]


def test_days_are_counted_in_the_shops_zone(app: Flask, shop: Shop, _time_stands) -> None:
    """23:30 in Paris on the 24th is still the 24th: 60 days before 23 January; half an hour later it is 59."""
    person = shop.customer()
    shop.credit(person, 1000, 100, datetime(2027, 1, 24, 0, 30, tzinfo=UTC))  # 24 January in Paris as well
    _time_stands.move_to(datetime(2026, 11, 24, 22, 30, tzinfo=UTC))
    assert letters(app) == []
    _time_stands.move_to(datetime(2026, 11, 24, 23, 5, tzinfo=UTC))
    assert len(letters(app)) == 1


def test_after_an_outage_only_the_nearest_distance_is_announced(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    shop.credit(person, 1000, 100, NOON + timedelta(days=10))
    assert len(letters(app)) == 1
    assert letters(app)[0].endswith("-15")


def test_spent_credit_is_not_announced(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    shop.credit(person, 0, 350, NOON + timedelta(days=10))
    shop.film()
    browser = shop.signed_in(person)
    token = browser.get("/films/la-sociale").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert browser.post("/films/la-sociale/louer", data={"csrf_token": token}).status_code == 303
    assert letters(app) == []


def test_the_letter_names_sum_and_day(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    shop.credit(person, 1000, 120, NOON + timedelta(days=2))
    [name] = letters(app)
    letter = (Path(app.config["MAIL_URL"].removeprefix("file:")) / f"{name}.eml").read_bytes()
    text = email.message_from_bytes(letter, policy=email.policy.default).get_body(("plain",)).get_content()
    assert "1,20" in text
    assert "26" in text
