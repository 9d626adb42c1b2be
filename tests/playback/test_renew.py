"""Renewals: what keeps a stream running, what stops it, and where it says it is."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, update

from store.customers.models import Customer
from store.db import transaction
from store.media.models import Ingest
from store.playback import leases
from store.playback.authorise import Start
from store.playback.leases import LONGEST_SILENCE
from store.playback.renew import TIME_TO_FINISH, Refused, Renewal, renew
from tests.conftest import both_engines
from tests.playback.theatre import RECIPE, SLUG, held, holder, now, revoke, start
from tests.shop import Person, Shop

pytestmark = both_engines


def renewed(
    app: Flask,
    person: Person,
    started: Start,
    position_s: int | None,
    sequence: int,
    *,
    browser: str = "browser-1",
    at: datetime | None = None,
) -> Renewal:
    with app.app_context(), transaction() as session:
        return renew(
            session,
            started.lease_id,
            person.id,
            browser,
            position_s=position_s,
            sequence=sequence,
            at=at or now(),
        )


def refusal(*args: object, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        renewed(*args, **more)  # type: ignore[arg-type]  # `more` is what it takes
    return refused.value.reason


def test_a_renewal_keeps_the_stream_and_stores_the_position(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    at = now()
    started = start(app, person, at=at)
    for beat in range(1, 4):
        renewal = renewed(app, person, started, 60 * beat, beat, at=at + beat * timedelta(seconds=80))
    assert renewal == Renewal(started.lease_id, SLUG, RECIPE)
    assert held(app).position_s == 180
    assert start(app, person, browser="another-device", at=at).film.resume_at_s == 180


def test_late_and_repeated_reports_are_ignored(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    started = start(app, person)
    for position_s, sequence in ((50, 5), (30, 3), (40, 5), (None, 6)):
        renewed(app, person, started, position_s, sequence)
    assert held(app).position_s == 50


def test_another_device_counts_from_its_own_beginning(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    first = start(app, person)
    renewed(app, person, first, 500, 50)
    second = start(app, person, browser="browser-2")
    renewed(app, person, second, 510, 1, browser="browser-2")
    assert held(app).position_s == 510


def test_a_revoked_film_stops(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    started = start(app, person)
    revoke(app)
    assert refusal(app, person, started, 10, 1) == "revoked"
    assert held(app).position_s == 0


def test_a_stream_that_was_stopped_or_taken_over_stops(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    first = start(app, person)
    second = start(app, person)
    assert refusal(app, person, first, 10, 1) == "ended"
    with app.app_context(), transaction() as session:
        leases.end(session, second.lease_id, person.id, now())
    assert refusal(app, person, second, 10, 1) == "ended"


def test_silence_gives_the_place_away(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    at = now()
    started = start(app, person, at=at)
    assert refusal(app, person, started, 10, 1, at=at + LONGEST_SILENCE) == "silent"


def test_foreign_and_missing_streams_are_alike(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    stranger = shop.customer("stranger@example.org")
    started = start(app, person)
    missing = Start("no-such-lease", started.film, None)
    answers = {
        refusal(app, stranger, started, 10, 1),
        refusal(app, person, started, 10, 1, browser="another-session"),
        refusal(app, person, missing, 10, 1),
    }
    assert answers == {"ended"}


def test_a_running_stream_may_finish_after_the_rental_ended_and_no_more(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    begun = start(app, person)
    assert begun.ends_at
    started = start(app, person, at=begun.ends_at - timedelta(seconds=30))
    last = begun.ends_at + timedelta(minutes=84) + TIME_TO_FINISH
    beats = iter(range(1, 1000))
    for minute in range(0, 114):
        at = begun.ends_at + timedelta(minutes=minute)
        assert renewed(app, person, started, 10, next(beats), at=at).folder == SLUG
    assert renewed(app, person, started, 10, next(beats), at=last).folder == SLUG
    assert refusal(app, person, started, 10, next(beats), at=last + timedelta(seconds=1)) == "not_entitled"


def test_of_two_devices_the_later_one_says_where_the_film_is(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    at = now()
    living_room = start(app, person, at=at)
    renewed(app, person, living_room, 500, 50, at=at + timedelta(seconds=1))
    phone = start(app, person, browser="browser-2", at=at + timedelta(seconds=2))
    renewed(app, person, living_room, 510, 51, at=at + timedelta(seconds=3))
    assert held(app).position_s == 510, "the phone has not said anything yet"
    renewed(app, person, phone, 900, 1, browser="browser-2", at=at + timedelta(seconds=4))
    renewed(app, person, living_room, 520, 52, at=at + timedelta(seconds=5))
    assert held(app).position_s == 900
    renewed(app, person, living_room, 600, 53, at=at + timedelta(seconds=80))
    assert held(app).position_s == 900
    renewed(app, person, living_room, 660, 54, at=at + timedelta(seconds=4) + LONGEST_SILENCE)
    assert held(app).position_s == 660, "the phone fell silent"
    assert start(app, person, browser="browser-2", at=at + timedelta(seconds=100)).film.resume_at_s == 660


def lasts(app: Flask, film_id: int, seconds: float) -> None:
    with app.app_context(), transaction() as session:
        row = {"film_id": film_id, "delivery": {}, "state": "published", "step": "", "fraction": 1.0}
        session.execute(insert(Ingest).values(**row, duration_s=seconds, updated_at=now()))


@pytest.mark.parametrize(("position_s", "resumes_at_s"), [(95, 95), (96, 0)])
def test_beyond_95_percent_a_film_is_finished(app: Flask, shop: Shop, position_s: int, resumes_at_s: int) -> None:
    person = holder(app, shop)
    lasts(app, held(app).film_id, 100)
    renewed(app, person, start(app, person), position_s, 1)
    assert start(app, person).film.resume_at_s == resumes_at_s


def test_films_seen_are_remembered_for_who_asks(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    lasts(app, held(app).film_id, 100)
    started = start(app, person)
    renewed(app, person, started, 96, 1)
    assert held(app).seen_at is None
    with app.app_context(), transaction() as session:
        session.execute(update(Customer).values(keeps_history_since=now()))
    renewed(app, person, started, 50, 2)
    assert held(app).seen_at is None
    at = now()
    renewed(app, person, started, 97, 3, at=at)
    renewed(app, person, started, 98, 4, at=at + timedelta(seconds=10))
    assert held(app).seen_at == at
