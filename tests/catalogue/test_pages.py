"""The catalogue's pages: what they say, how many queries they ask, and that strangers get no cookie."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store import clock
from store.catalogue.fold import sorting_title
from store.catalogue.models import Film
from store.db import transaction
from store.rentals.models import Entitlement
from tests.shop import Shop

PUBLIC_PAGES = (
    "/films",
    "/films?tri=titre&theme=travail&pays=FR",
    "/films/la-sociale",
    "/collections",
    "/collections/gilles-perret",
    "/personnes/person-1",
    "/recherche?q=la+sociale",
)
MOST_QUERIES = 3


@pytest.mark.parametrize("address", PUBLIC_PAGES)
def test_public_pages_ask_little_and_leave_nothing(client: FlaskClient, wall, query_count, address: str) -> None:
    client.get(address)  # a process counts the facets once for each version of the catalogue
    with query_count() as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    assert len(queries) <= MOST_QUERIES, queries
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.text and 'method="post"' not in answer.text
    assert "style=" not in answer.text and "<script>" not in answer.text


def test_a_film_page_says_what_one_needs_before_paying(client: FlaskClient, wall) -> None:
    page = client.get("/films/la-sociale").text
    assert 'data-price-rent-cents="350" data-price-buy-cents="900" data-playable="true"' in page
    assert "/connexion?next=/films/la-sociale" in page
    assert page.count('class="card"') == 5
    assert "Gilles\u00a0Perret" in page and "Agnès\u00a0Varda" in page


def test_a_film_that_cannot_be_played_is_not_sold(client: FlaskClient, shop: Shop) -> None:
    shop.film("bientot", playable=False)
    page = client.get("/films/bientot").text
    assert "data-playable" not in page
    assert "film-soon" in page
    assert 'class="button" href="/connexion' not in page


def test_the_buttons_state_what_will_remain(shop: Shop, wall) -> None:
    rich = shop.signed_in(shop.customer("riche@example.org", credit=2100)).get("/films/la-sociale").text
    assert 'action="/films/la-sociale/louer"' in rich and 'action="/films/la-sociale/acheter"' in rich
    assert "17,50\u00a0€" in rich and "12,00\u00a0€" in rich
    poor = shop.signed_in(shop.customer("pauvre@example.org", credit=210)).get("/films/la-sociale").text
    assert "1,40\u00a0€" in poor and "6,90\u00a0€" in poor


@pytest.mark.parametrize("begun", [False, True])
def test_a_rented_film_is_resumed_not_rented_again(app: Flask, shop: Shop, wall, begun: bool) -> None:
    person = shop.customer(credit=2100)
    browser = shop.signed_in(person)
    browser.get("/films/la-sociale")
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/films/la-sociale").text)
    browser.post("/films/la-sociale/louer", data={"csrf_token": token.group(1)})
    if begun:
        with app.app_context(), transaction() as session:
            now = clock.now()
            times = {"begun_at": now, "ends_at": now + timedelta(hours=50), "position_s": 2052}
            session.execute(update(Entitlement).values(**times))
    page = browser.get("/films/la-sociale").text
    assert "/films/la-sociale/voir" in page and 'action="/films/la-sociale/louer"' not in page
    assert ("34:12" in page) is begun
    assert ('action="/films/la-sociale/annuler"' in page) is not begun


def test_a_collection_shows_its_words_its_films_and_the_others(client: FlaskClient, wall) -> None:
    page = client.get("/collections/gilles-perret").text
    assert "lead de gilles-perret" in page and "more de gilles-perret" in page
    assert "lead de autres" not in page
    assert page.count('class="card"') == 8
    assert 'href="/collections/autres"' in page


@pytest.mark.parametrize("address", ["/films/nobody", "/collections/nobody"])
def test_what_is_missing_answers_404_in_our_look(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert 'class="header"' in answer.text


def test_sorting_ignores_accents_and_articles() -> None:
    titles = ["Les Jours heureux", "Être et avoir", "L’Insoumis", "À propos de Nice"]
    assert sorted(titles, key=sorting_title) == ["À propos de Nice", "Être et avoir", "L’Insoumis", "Les Jours heureux"]


def test_words_of_films_are_escaped(app: Flask, client: FlaskClient, shop: Shop) -> None:
    shop.film("la-sociale")
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(title="<b>&", tagline_fr='"><img src=x>', synopsis_fr="<script>"))
    page = client.get("/films/la-sociale").text
    assert "<img src=x" not in page and "<script>" not in page and "&lt;b&gt;&amp;" in page
