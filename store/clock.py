"""The only reader of the time. Instants are aware and in UTC; days belong to the shop's time zone."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from flask import current_app


def now() -> datetime:
    """The present instant, in UTC, moved by SHOP_CLOCK_OFFSET_S when a check asks for it."""
    return datetime.now(UTC) + timedelta(seconds=current_app.config["SHOP_CLOCK_OFFSET_S"])


def shop_zone() -> ZoneInfo:
    """The time zone in which the shop counts and shows days."""
    return ZoneInfo(current_app.config["SHOP_TIMEZONE"])


def last_second_in_a_year(start: datetime) -> datetime:
    """The end, in UTC, of the same calendar day twelve months after `start`; 29 February gives 28 February."""
    day = start.astimezone(shop_zone()).date()
    try:
        last_day = day.replace(year=day.year + 1)
    except ValueError:
        last_day = day.replace(year=day.year + 1, day=28)
    return datetime.combine(last_day, time_of_day(23, 59, 59), shop_zone()).astimezone(UTC)


def start_of(day: date) -> datetime:
    """The instant, in UTC, at which the shop's day begins."""
    return datetime.combine(day, time_of_day(0), shop_zone()).astimezone(UTC)


def day_of(moment: datetime) -> date:
    """The shop's day in which an instant falls."""
    return moment.astimezone(shop_zone()).date()


def today() -> date:
    """The shop's present day."""
    return day_of(now())
