"""Alerts: told once, open until somebody saw them, listed from a cursor on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from store.audit.alert import (
    NoSuchAlert,
    Place,
    list_alerts,
    mark_seen,
    open_count,
    raise_alert,
    some_unmailed,
    take_unmailed,
)
from store.audit.models import Alert, AuditEntry
from store.db import db, transaction
from tests.conftest import both_engines

pytestmark = both_engines

NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)
WHO, SOMEBODY_ELSE = 3, 4


@pytest.fixture
def tell(app: Flask) -> Callable[..., bool]:
    """`tell(key)` raises an alert in a transaction of its own."""

    def tell(key: str, kind: str = "refund_outside", **facts: str | int) -> bool:
        with app.app_context(), transaction() as session:
            return raise_alert(session, kind, key, facts, NOON)

    return tell


def see(app: Flask, alert_id: int, by: int = WHO, at: datetime = NOON) -> None:
    with app.app_context(), transaction() as session:
        mark_seen(session, alert_id, by, at)


def test_one_key_is_told_once(app: Flask, tell: Callable[..., bool]) -> None:
    assert tell("refund:1", amount=350, order="o_1")
    assert not tell("refund:1", amount=999)
    assert tell("refund:2")
    with app.app_context():
        first, _second = db.session.scalars(select(Alert).order_by(Alert.id))
        assert (first.kind, first.facts, first.raised_at) == (
            "refund_outside",
            {"amount": 350, "order": "o_1"},
            NOON,
        )
        assert open_count(db.session) == 2


def test_of_many_who_tell_at_once_one_is_first(app: Flask, tell: Callable[..., bool]) -> None:
    with ThreadPoolExecutor(8) as crowd:
        outcomes = list(crowd.map(tell, ["refund:1"] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]
    with app.app_context():
        assert open_count(db.session) == 1


def test_what_is_undone_was_never_told(app: Flask, tell: Callable[..., bool]) -> None:
    with app.app_context(), pytest.raises(ZeroDivisionError), transaction() as session:
        assert raise_alert(session, "refund_outside", "refund:1", {}, NOON)
        raise ZeroDivisionError
    assert tell("refund:1")


def test_seen_is_seen_by_who_was_first(app: Flask, tell: Callable[..., bool]) -> None:
    tell("refund:1")
    see(app, 1)
    see(app, 1, SOMEBODY_ELSE, NOON + timedelta(hours=1))
    with app.app_context():
        alert = db.session.get(Alert, 1)
        assert (alert.seen_by, alert.seen_at, open_count(db.session)) == (WHO, NOON, 0)
        [entry] = db.session.scalars(select(AuditEntry))
        assert (entry.actor, entry.act, entry.subject, entry.facts, entry.at) == (
            WHO,
            "alert.seen",
            "alert:1",
            {"kind": "refund_outside"},
            NOON,
        )
    assert not tell("refund:1")


def test_what_is_not_there_cannot_be_seen(app: Flask) -> None:
    for alert_id in (1, 2**63 - 1):
        with pytest.raises(NoSuchAlert):
            see(app, alert_id)
    with app.app_context():
        assert db.session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize("with_seen", [False, True])
def test_the_list_goes_on_where_it_stopped(app: Flask, tell: Callable[..., bool], with_seen: bool) -> None:
    for number in range(1, 8):
        tell(f"refund:{number}")
    for alert_id in (2, 5, 6):
        see(app, alert_id)
    place, found = None, []
    with app.app_context():
        while page := list_alerts(db.session, with_seen=with_seen, after=place, limit=2):
            found += [alert.id for alert in page]
            place = Place(page[-1].seen_at is not None, page[-1].id)
    assert found == ([7, 4, 3, 1, 6, 5, 2] if with_seen else [7, 4, 3, 1])


def test_a_place_that_was_seen_meanwhile_hides_nothing(app: Flask, tell: Callable[..., bool]) -> None:
    for number in range(1, 5):
        tell(f"refund:{number}")
    see(app, 3)
    with app.app_context():
        behind = list_alerts(db.session, with_seen=False, after=Place(False, 3), limit=9)
    assert [alert.id for alert in behind] == [2, 1]


def test_letters_are_taken_once(app: Flask, tell: Callable[..., bool]) -> None:
    for number in range(1, 4):
        tell(f"refund:{number}")
    with app.app_context():
        assert some_unmailed(db.session)
        with transaction() as session:
            assert take_unmailed(session, NOON) == [1, 2, 3]
        assert not some_unmailed(db.session)
        with transaction() as session:
            assert take_unmailed(session, NOON) == []
