"""What a film costs: its own price, or the price of its length. Cents, VAT included."""

from datetime import date
from typing import NamedTuple

SHORT_MINUTES = 30
FEATURE_MINUTES = 60


class Prices(NamedTuple):
    """What renting and buying cost, in cents."""

    rent: int
    buy: int


SHORT = Prices(150, 400)
MEDIUM = Prices(250, 600)
FEATURE = Prices(350, 900)
NEW_FEATURE = Prices(490, 1200)


def prices_of(
    minutes: int, released_on: date | None, rent_cents: int | None, buy_cents: int | None, today: date
) -> Prices:
    """The film's own prices where it sets them, else those of its length; a feature costs more in its first year."""
    usual = _usual_prices(minutes, released_on, today)
    return Prices(
        usual.rent if rent_cents is None else rent_cents,
        usual.buy if buy_cents is None else buy_cents,
    )


def _usual_prices(minutes: int, released_on: date | None, today: date) -> Prices:
    if minutes < SHORT_MINUTES:
        return SHORT
    if minutes <= FEATURE_MINUTES:
        return MEDIUM
    return NEW_FEATURE if released_on and _in_its_first_year(released_on, today) else FEATURE


def _in_its_first_year(released_on: date, today: date) -> bool:
    return (today.year, today.month, today.day) < (released_on.year + 1, released_on.month, released_on.day)
