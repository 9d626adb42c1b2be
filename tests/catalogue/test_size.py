"""Public pages ask as many questions of thirty films as of three thousand."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import clock
from store.catalogue.import_films import import_catalogue
from store.db import transaction
from store.web.kept_pieces import KeptPieces
from tests.shop import Shop

A_COOKIE = {"Cookie": "elsewhere=1"}
"""Of a stranger for whom no page is kept; a test client that keeps cookies would drop it."""

THEMES = ("travail", "luttes", "memoire")


def document_of(films: int) -> dict[str, object]:
    return {
        "themes": [{"slug": slug, "name_fr": slug, "name_en": slug} for slug in THEMES],
        "films": [
            {
                "title": f"Film numéro {number}",
                "year": 1900 + number % 120,
                "minutes": 1 + number % 180,
                "countries": ["FR"],
                "languages": ["fr"],
                "directors": [f"Personne {number % 17}"],
                "themes": [THEMES[number % 3]],
            }
            for number in range(1, films + 1)
        ],
    }


@pytest.fixture(params=[30, 3_000])
def size(request: pytest.FixtureRequest, app: Flask) -> Iterator[int]:
    """A catalogue of so many films."""
    with app.app_context(), transaction() as session:
        import_catalogue(session, document_of(request.param), clock.now())
    yield request.param


def test_pages_ask_as_much_of_three_thousand_films_as_of_thirty(
    app: Flask, client: FlaskClient, shop: Shop, size: int, query_count: Callable
) -> None:
    some, stranger = size // 2, app.test_client(use_cookies=False)
    most = {
        f"/films/film-numero-{some}": 3,
        f"/en/films/film-numero-{some}": 3,
        "/": 5,
        "/films": 4,
        f"/films?apres=film-numero-{some}": 4,
        f"/films?theme=travail&decennie=1950&tri=duree&apres=film-numero-{some}": 4,
        "/recherche?q=numero": 4,
        "/recherche?q=nunero+personne": 4,
        "/recherche/suggestions?q=num": 3,
    }
    customer = shop.signed_in(shop.customer(credit=900))
    for address in ("/films/film-numero-1", "/films?tri=annee", "/recherche?q=film"):
        client.get(address)  # a process reads facets once for a version, a band once for a language
    client.get("/en/films/film-numero-1")
    for address, count in most.items():
        with query_count() as cold:
            assert stranger.get(address, headers=A_COOKIE).status_code == 200
        assert len(cold) <= count, (address, cold)
    film = f"/films/film-numero-{some}"
    with query_count() as of_a_customer:
        assert customer.get(film).status_code == 200
    assert len(of_a_customer) <= 4
    etag = client.get(film).headers["ETag"]
    with query_count() as known:
        assert client.get(film, headers={"If-None-Match": etag}).status_code == 304
    assert len(known) == 1
    app.extensions["kept_pieces"] = KeptPieces()
    stranger.get("/films/film-numero-1", headers=A_COOKIE)
    with query_count() as of_a_customer:
        assert customer.get(film).status_code == 200
    assert len(of_a_customer) <= 6, of_a_customer  # nobody was there since the last change: the film and its neighbours


def test_every_page_of_the_wall_is_full_however_far_down(client: FlaskClient, size: int) -> None:
    if size < 100:
        return
    for tri in ("nouveau", "titre", "annee", "duree"):
        page = client.get(f"/films?tri={tri}&apres=film-numero-{size // 2}").text
        assert page.count('class="card"') == 48
