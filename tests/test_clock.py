"""Instants are UTC, days are the shop's, durations are elapsed time: in every zone, on every day, at every turn of the clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import clock
from tests.playback.theatre import held, holder, start
from tests.shop import Shop

ZONES = sorted(available_timezones())
SINCE = date(2012, 1, 2)
"""Samoa had no 30 December 2011; no zone has left out a day since."""

days = st.dates(SINCE, date(2037, 12, 31))
as_they_come = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the shop's zone is set each time


@given(day=days, zone=st.sampled_from(ZONES))
@as_they_come
def test_a_day_begins_where_the_one_before_ends(app: Flask, day: date, zone: str) -> None:
    app.config["SHOP_TIMEZONE"] = zone
    with app.app_context():
        begins = clock.start_of(day)
        assert begins.tzinfo is UTC
        assert (clock.day_of(begins), clock.day_of(begins - timedelta(microseconds=1))) == (
            day,
            day - timedelta(days=1),
        )


@given(day=days, seconds=st.integers(0, 86_399), zone=st.sampled_from(ZONES))
@as_they_come
def test_a_year_ends_with_the_same_day(app: Flask, day: date, seconds: int, zone: str) -> None:
    app.config["SHOP_TIMEZONE"] = zone
    with app.app_context():
        began = clock.start_of(day) + timedelta(seconds=seconds)
        first, end = clock.day_of(began), clock.last_second_in_a_year(began)
        last = clock.day_of(end)
        assert (last.year, last.month) == (first.year + 1, first.month)
        assert last.day == first.day or (first.month, first.day, last.day) == (2, 29, 28)
        assert clock.day_of(end + timedelta(seconds=1)) == last + timedelta(days=1)


def test_a_leap_day_ends_on_the_28th(app: Flask) -> None:
    with app.app_context():
        noon = datetime(2028, 2, 29, 12, tzinfo=UTC)
        assert clock.last_second_in_a_year(noon) == datetime(2029, 2, 28, 22, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("evening", ["2027-03-27T20:00:00Z", "2027-10-30T20:00:00Z", "2028-02-28T20:00:00Z"])
def test_seventy_two_hours_are_so_many_whatever_the_clocks_do(app: Flask, shop: Shop, evening: str) -> None:
    with time_machine.travel(evening, tick=False):
        begun = datetime.now(UTC)
        start(app, holder(app, shop))
        assert held(app).ends_at - begun == timedelta(hours=72)
