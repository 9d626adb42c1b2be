"""Who may play what: entitlements, the consent that begins a rental, the places of a customer's streams."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from store.db import db, transaction
from store.jobs.models import Job
from store.playback import leases
from store.playback.authorise import CONSENT_VERSION, ConsentNeeded, NotEntitled, Rules, Start
from store.playback.leases import LONGEST_SILENCE, TooManyStreams
from store.playback.models import Lease
from tests.conftest import both_engines
from tests.playback.theatre import RULES, add_film, held, holder, now, revoke, start
from tests.rentals.test_rent import at_once
from tests.shop import Shop

pytestmark = both_engines


def running(app: Flask, customer_id: int) -> int:
    with app.app_context():
        return len(leases.running_streams(db.session, customer_id, now()))


def test_a_purchase_plays_without_consent_and_without_end(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    started = start(app, person, consent=False, at=now() + timedelta(days=3650))
    assert started.ends_at is None
    assert held(app).begun_at is None


def test_a_purchase_goes_before_a_rental(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "rental")
    add_film(app, person, "purchase", "la-sociale")
    assert start(app, person, consent=False).ends_at is None


def test_a_rental_begins_by_consent_alone_and_once(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    with pytest.raises(ConsentNeeded):
        start(app, person, consent=False)
    assert held(app).begun_at is None
    at = now()
    started = start(app, person, at=at)
    assert started.ends_at == at + timedelta(hours=72)
    begun = held(app)
    assert (begun.begun_at, begun.ends_at, begun.consent_version) == (at, started.ends_at, CONSENT_VERSION)
    later = start(app, person, at=at + timedelta(hours=1))
    assert later.ends_at == started.ends_at


def test_consents_at_once_begin_one_rental_and_send_one_letter(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    tasks = [lambda number=number: start(app, person, browser=f"browser-{number}") for number in range(8)]
    outcomes = at_once(tasks)
    started = [outcome for outcome in outcomes if isinstance(outcome, Start)]
    assert len(started) == RULES.streams
    assert len({outcome.ends_at for outcome in started}) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Job.id)).where(Job.name == "rentals.mail_begun")) == 1


def test_a_refused_stream_does_not_begin_the_rental(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    for number in range(2):
        shop.film(f"film-{number}")
        add_film(app, person, "purchase", f"film-{number}")
        start(app, person, f"film-{number}")
    with pytest.raises(TooManyStreams):
        start(app, person)
    with app.app_context():
        assert db.session.scalar(select(func.count(Job.id)).where(Job.name == "rentals.mail_begun")) == 0


def test_a_rental_ends(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    with pytest.raises(NotEntitled):
        start(app, person, at=now() + timedelta(days=31))
    started = start(app, person)
    assert started.ends_at
    with pytest.raises(NotEntitled):
        start(app, person, at=started.ends_at)


def test_a_revoked_rental_a_foreign_one_and_no_film_are_alike(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    stranger = shop.customer("stranger@example.org")
    for who, slug in ((stranger, "la-sociale"), (person, "no-such-film")):
        with pytest.raises(NotEntitled):
            start(app, who, slug)
    revoke(app)
    with pytest.raises(NotEntitled):
        start(app, person)


def test_twenty_starts_at_once_never_exceed_the_limit(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    tasks = [lambda number=number: start(app, person, browser=f"browser-{number}") for number in range(20)]
    outcomes = at_once(tasks)
    assert sum(isinstance(outcome, Start) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, TooManyStreams) for outcome in outcomes) == 18
    assert running(app, person.id) == 2


def test_the_same_browser_takes_over_its_own_stream(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    first, second = start(app, person), start(app, person)
    assert first.lease_id != second.lease_id
    assert running(app, person.id) == 1
    with app.app_context():
        assert db.session.get_one(Lease, first.lease_id).ended_at is not None


def test_silent_and_stopped_streams_free_their_places(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    one = Rules(play_hours=72, streams=1)
    at = now()
    first = start(app, person, rules=one, at=at)
    with pytest.raises(TooManyStreams) as refused:
        start(app, person, rules=one, browser="browser-2", at=at + LONGEST_SILENCE - timedelta(seconds=1))
    assert [stream.lease_id for stream in refused.value.running] == [first.lease_id]
    second = start(app, person, rules=one, browser="browser-2", at=at + LONGEST_SILENCE)
    with app.app_context(), transaction() as session:
        assert leases.end(session, second.lease_id, person.id, at + LONGEST_SILENCE)
    start(app, person, rules=one, browser="browser-3", at=at + LONGEST_SILENCE)


def test_nobody_stops_a_foreign_stream(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    stranger = shop.customer("stranger@example.org")
    started = start(app, person)
    with app.app_context(), transaction() as session:
        assert not leases.end(session, started.lease_id, stranger.id, now())
    assert running(app, person.id) == 1
