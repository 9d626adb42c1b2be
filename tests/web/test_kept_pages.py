"""Pages kept for strangers: never somebody's own, never older than the database, there when it is away."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store.catalogue.models import Film
from store.db import transaction
from store.prepaid_cards.denominations import change
from store.shown import move_on
from tests.conftest import both_engines
from tests.shop import PASSWORD, Shop

KEPT = ("/", "/films", "/films/la-sociale", "/collections", "/conditions")


def retitle(app: Flask, title: str) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(title=title))
        move_on(session)


@both_engines
@pytest.mark.parametrize("address", KEPT)
def test_a_kept_page_costs_one_query_and_304_no_body(client: FlaskClient, shop: Shop, query_count, address) -> None:
    shop.film()
    drawn = client.get(address)
    with query_count() as queries:
        kept = client.get(address)
        known = client.get(address, headers={"If-None-Match": drawn.headers["ETag"]})
    assert len(queries) == 2
    assert kept.headers.pop("X-Request-Id") != drawn.headers.pop("X-Request-Id")
    assert (kept.status_code, kept.data, dict(kept.headers)) == (200, drawn.data, dict(drawn.headers))
    assert (known.status_code, known.data) == (304, b"")
    assert known.headers["Content-Security-Policy"] == drawn.headers["Content-Security-Policy"]


@both_engines
def test_a_film_page_that_is_drawn_asks_three_queries(client: FlaskClient, shop: Shop, query_count) -> None:
    shop.film("un-film")
    shop.film("la-sociale")
    client.get("/films/un-film")
    with query_count() as queries:
        assert client.get("/films/la-sociale").status_code == 200
    assert len(queries) <= 3, queries


@both_engines
def test_what_changes_is_shown_at_once(app: Flask, client: FlaskClient, shop: Shop) -> None:
    shop.film()
    etag = client.get("/films/la-sociale").headers["ETag"]
    retitle(app, "Un Autre Titre")
    changed = client.get("/films/la-sociale", headers={"If-None-Match": etag})
    assert changed.status_code == 200 and "Un Autre Titre" in changed.text
    before = client.get("/films").data
    with app.app_context(), transaction() as session:
        change(session, "10", price_cents=1234, credit_cents=1300)
    assert "12,34" not in before.decode() and "12,34" in client.get("/films").text


def test_nobody_sees_a_page_that_was_drawn_for_another(app: Flask, shop: Shop) -> None:
    """Through every door: the customer first, the stranger after; the stranger first, the customer after; a forged cookie."""
    shop.film()
    person = shop.customer("secrete@example.org", credit=4321)
    customer = shop.signed_in(person)
    for address in KEPT:
        for etag in ("", app.test_client().get(address).headers["ETag"]):
            own = customer.get(address, headers={"If-None-Match": etag})
            assert own.status_code == 200 and "43,21" in own.text, address
            assert own.headers["Cache-Control"] == "no-store" and "ETag" not in own.headers
        stranger = app.test_client().get(address)
        assert "43,21" not in stranger.text and "csrf_token" not in stranger.text, address
        assert "Set-Cookie" not in stranger.headers
        forged = app.test_client(use_cookies=False).get(address, headers={"Cookie": "session=forged"})
        assert forged.status_code == 200 and "43,21" not in forged.text and "ETag" not in forged.headers
    signing_in = app.test_client()
    assert signing_in.get("/").status_code == 200
    page = signing_in.get("/connexion").text
    assert PASSWORD not in page and "ETag" not in signing_in.get("/connexion").headers


def test_encodings_are_kept_apart(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    for encoding in ("gzip", "br", "identity", "gzip"):
        answer = client.get("/films", headers={"Accept-Encoding": encoding})
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        assert "Accept-Encoding" in answer.headers["Vary"] and "Cookie" in answer.headers["Vary"]
