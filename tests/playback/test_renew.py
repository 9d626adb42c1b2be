"""Renewals: what keeps a stream running, what stops it, and where it says it is."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from store.db import transaction
from store.playback import leases
from store.playback.authorise import Start
from store.playback.leases import LONGEST_SILENCE
from store.playback.renew import Refused, Renewal, renew
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
        renewed(*args, **more)  # type: ignore[arg-type]
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


def test_a_running_stream_may_finish_after_the_rental_ended(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    begun = start(app, person)
    assert begun.ends_at
    started = start(app, person, at=begun.ends_at - timedelta(seconds=30))
    after = begun.ends_at + timedelta(seconds=30)
    assert renewed(app, person, started, 10, 1, at=after).film == SLUG
