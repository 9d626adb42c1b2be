"""How sums, lengths, days and names are written in French."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask import Flask
from flask_babel import ngettext
from markupsafe import Markup

from store.language import speaking
from store.web import filters

N = "\u00a0"


@pytest.fixture(autouse=True)
def french_page(app: Flask):
    with app.test_request_context("/"):
        yield


def test_money() -> None:
    assert filters.money(350) == f"3,50{N}€"
    assert filters.money(123_450) in (f"1{N}234,50{N}€", f"1\u202f234,50{N}€")
    assert filters.money(0) == f"0,00{N}€"
    assert filters.signed_money(-350) == f"−{N}3,50{N}€"
    assert filters.whole_money(2000) == f"20{N}€"
    assert filters.whole_money(1050) == f"10,50{N}€"


def test_percentages() -> None:
    assert filters.percent(Decimal("5.15")) == f"5,15{N}%"
    assert filters.percent(Decimal("20.00")) == f"20{N}%"
    assert filters.tenths(0.34) == "0,3"


@pytest.mark.parametrize(
    ("minutes", "written"),
    [(84, f"1{N}h{N}24"), (52, f"52{N}min"), (60, f"1{N}h"), (65, f"1{N}h{N}05"), (192, f"3{N}h{N}12")],
)
def test_minutes(minutes: int, written: str) -> None:
    assert filters.minutes(minutes) == written


def test_days_are_the_shops() -> None:
    this_year = date.today().year
    assert filters.day(datetime(this_year, 7, 31, 22, 30, tzinfo=UTC)) == f"1{N}août"
    assert filters.day(date(this_year + 1, 11, 23)) == f"23{N}nov.{N}{this_year + 1}"
    assert filters.full_day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == f"1{N}janvier{N}2027"
    assert filters.day_time(datetime(this_year, 7, 31, 18, 15, tzinfo=UTC)).endswith(f"{N}20:15")


def test_clock_time() -> None:
    assert filters.clock_time(2052) == "34:12"
    assert filters.clock_time(4000.9) == "1:06:40"


def test_names_and_elision() -> None:
    assert filters.names(["A B"]) == f"A{N}B"
    assert filters.names([]) == ""
    assert filters.elide("Un film de Agnès Varda") == "Un film d’Agnès Varda"
    assert filters.elide(Markup("Un film de <b>Éli Lotar</b>")) == Markup("Un film d’<b>Éli Lotar</b>")
    assert filters.elide("Un film de Gilles Perret") == "Un film de Gilles Perret"


def test_time_left_never_promises_more_than_there_is() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    for left, number in (
        (timedelta(hours=72), "3"),
        (timedelta(hours=71, minutes=59), "2"),
        (timedelta(hours=31), "31"),
    ):
        assert number in filters.time_left(now + left, now)
    assert "0" in filters.time_left(now - timedelta(hours=1), now)


def test_ago() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        assert filters.ago(now - timedelta(hours=3)) == f"il{N}y{N}a{N}3{N}heures"
        assert filters.ago(now + timedelta(hours=3)) == filters.ago(now) == f"il{N}y{N}a{N}1{N}seconde"


def test_money_of_another_currency() -> None:
    assert filters.money(350, "CHF") == f"3,50{N}CHF"
    assert filters.money(350, "JPY") == f"350{N}JPY"


def test_english_writes_otherwise(app: Flask) -> None:
    this_year = date.today().year
    with speaking("en"):
        assert filters.money(123_450) == "€1,234.50"
        assert (filters.whole_money(2000), filters.whole_money(1050)) == ("€20", "€10.50")
        assert (filters.signed_money(-350), filters.signed_money(100)) == ("−€3.50", "+€1.00")
        assert filters.percent(Decimal("5.15")) == "5.15%"
        assert filters.tenths(12) == "12.0"
        assert (filters.minutes(65), filters.minutes(60)) == (f"1{N}h{N}05{N}min", f"1{N}h")
        assert filters.day(datetime(this_year, 7, 31, 22, 30, tzinfo=UTC)) == f"1{N}Aug"
        assert filters.full_day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == f"1{N}January{N}2027"
        assert filters.day_time(datetime(this_year, 7, 31, 18, 15, tzinfo=UTC)) == f"31{N}Jul{N}at{N}20:15"
        assert filters.elide("a film by de Agnès Varda") == "a film by de Agnès Varda"
        assert filters.countries(["FR", "DE"]) == "France, Germany"
        assert [ngettext("open alert", "open alerts", number) for number in (0, 1, 2)] == [
            "open alerts",
            "open alert",
            "open alerts",
        ]
        assert filters.languages(["fr", "de"]) == "French, German"


def test_languages() -> None:
    assert filters.languages(["fr", "en"]) == "français, anglais"
    assert filters.languages(["fr-sdh", "pt-BR"]) == "français pour sourds et malentendants, portugais brésilien"
