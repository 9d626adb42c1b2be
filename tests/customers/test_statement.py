"""The statement: filtered, page by page, as a table, explained to the cent."""

import csv
import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import clock
from store.db import transaction
from store.rentals.rent import Terms, rent
from store.rentals.undo import undo
from store.spreadsheet import harmless
from tests.conftest import both_engines
from tests.shop import Person, Shop


def rents(app: Flask, person: Person, *slugs: str) -> None:
    with app.app_context():
        terms = Terms(30, app.config["SHOP_VAT_PERCENT"])
        for slug in slugs:
            with transaction() as session:
                rent(session, person.id, person.wallet_id, slug, terms, clock.now())


def sums(page: str) -> list[str]:
    found = re.findall(r'class="sum sum-(?:in|out)">([^<]+)<', page)
    return [text.replace("\u00a0", " ").replace("\u202f", " ") for text in found]


@pytest.fixture
def person(app: Flask, shop: Shop) -> Person:
    """Has bought a card of 10.00 with a bonus of 1.00 and rented two films, one of which they gave back."""
    for slug in ("la-sociale", "debout-les-femmes"):
        shop.film(slug)
    person = shop.customer()
    with app.app_context():
        end = clock.now() + timedelta(days=300)
    shop.credit(person, 1000, 100, end)
    rents(app, person, "la-sociale", "debout-les-femmes")
    with app.app_context(), transaction() as session:
        undo(session, person.id, person.wallet_id, "debout-les-femmes", clock.now())
    return person


@pytest.fixture
def browser(shop: Shop, person: Person) -> FlaskClient:
    return shop.signed_in(person)


@both_engines
def test_the_filter_hides_lines_and_keeps_balances(browser: FlaskClient) -> None:
    everything = browser.get("/compte/credit").text
    assert sums(everything) == ["+ 3,50 €", "− 3,50 €", "− 3,50 €", "+ 11,00 €"]
    films = browser.get("/compte/credit?mouvement=films").text
    assert sums(films) == ["+ 3,50 €", "− 3,50 €", "− 3,50 €"]
    assert "7,50" in films
    assert sums(browser.get("/compte/credit?mouvement=fins").text) == []
    assert sums(browser.get("/compte/credit?jusque=2001-01-01").text) == []
    assert len(sums(browser.get("/compte/credit?depuis=2001-01-01").text)) == 4


@both_engines
def test_each_line_says_where_its_cents_came_from_and_went(browser: FlaskClient) -> None:
    page = browser.get("/compte/credit?mouvement=films").text
    first_rental = re.findall(r'<ul class="parts">(.*?)</ul>', page, re.DOTALL)[-1]
    texts = [" ".join(re.sub("<[^>]+>", " ", line).split()) for line in first_rental.split("</li>") if "<li>" in line]
    amounts = [re.sub(r"[^\d,−+]", "", text.split("€")[0]) for text in texts]
    assert amounts == ["−1,00", "−2,08", "−0,42"]


def test_the_cursor_walks_through_every_line_once(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.customers.views.credit.STATEMENT_LINES", 3)
    person = shop.customer()
    for _ in range(8):
        shop.credit(person, 100)
    browser, address, seen = shop.signed_in(person), "/compte/credit?mouvement=cartes", []
    while address:
        page = browser.get(address).text
        seen += re.findall(r'sum-balance">([^<]+)<', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found.group(1).replace("&amp;", "&") if found else None
    assert [text[0] for text in seen] == list("87654321")


def test_the_table_holds_the_same_lines(browser: FlaskClient) -> None:
    answer = browser.get("/compte/credit.csv?mouvement=films")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert [row[2] for row in rows[1:]] == ["3,50", "-3,50", "-3,50"]
    assert [row[3] for row in rows[1:]] == ["7,50", "4,00", "7,50"]
    assert "La Sociale" in rows[3][1]


def test_the_table_computes_nothing(app: Flask, shop: Shop, person: Person, browser: FlaskClient) -> None:
    for cell in ("=1+1", "+33", "-1+cmd", "@SUM(A1)", "\tx", "\r=x", "\0=x"):
        assert harmless(cell) == "'" + cell
    for cell in ("-3,50", "3,50", "La Sociale", ""):
        assert harmless(cell) == cell


@pytest.mark.parametrize(
    "query",
    [
        "depuis=hier",
        "jusque=9999-12-31",
        "apres=-1",
        "apres=99999999999999999999999",
        "mouvement=x",
        "depuis=0001-01-01",
        "depuis=%00",
        "apres=%F0%9F%92%A9",
    ],
)
def test_odd_filters_are_answered(browser: FlaskClient, query: str) -> None:
    for page in ("/compte/credit", "/compte/credit.csv"):
        assert browser.get(f"{page}?{query}").status_code in {200, 422}


def test_nobody_sees_anothers(shop: Shop, person: Person) -> None:
    paul = shop.signed_in(shop.customer("paul@example.org"))
    assert sums(paul.get("/compte/credit").text) == []
    assert len(paul.get("/compte/credit.csv").text.splitlines()) == 1


def test_a_stranger_signs_in_first(client: FlaskClient) -> None:
    assert client.get("/compte/credit.csv").status_code in {302, 303}
