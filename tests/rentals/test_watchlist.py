"""The list of films for later: one's own, once each, as long as it may be, for whoever is signed in."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import clock
from store.catalogue.rename import rename
from store.db import db, transaction
from store.rentals import watchlist
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

FILM = "/films/la-sociale"


def ask(client: FlaskClient, keep: str, film: str = FILM, **more: str):
    return client.post(f"{film}/liste", data={"csrf_token": csrf_of(client, "/compte"), "garder": keep, **more})


def on_list(client: FlaskClient) -> list[str]:
    return re.findall(r'<h2><a href="/films/([^"]+)">', client.get("/compte/liste").text)


@both_engines
def test_one_s_own_list(app: Flask, shop: Shop, query_count) -> None:
    for slug in ("la-sociale", "reprise"):
        shop.film(slug)
    jeanne, lucien = shop.signed_in(shop.customer()), shop.signed_in(shop.customer("lucien@example.org"))
    for film in (FILM, "/films/reprise", FILM):
        assert ask(jeanne, "oui", film).location == film
    assert (on_list(jeanne), on_list(lucien)) == (["reprise", "la-sociale"], [])
    assert 'aria-pressed="true"' in jeanne.get(FILM).text and 'aria-pressed="false"' in lucien.get(FILM).text
    ask(lucien, "non")
    assert ask(jeanne, "non", depuis="liste").location == "/compte/liste"
    assert on_list(jeanne) == ["reprise"]
    with app.app_context(), transaction() as session:
        rename(session, "reprise", "reprise-1997")
    assert ask(jeanne, "oui", "/films/reprise").status_code == 303  # a page that was open before
    assert on_list(jeanne) == ["reprise-1997"]
    jeanne.get(FILM)
    with query_count() as queries:
        jeanne.get(FILM)
    assert sum("watchlist_entry" in query for query in queries) == 1 and len(queries) <= 6, queries


@both_engines
def test_a_list_has_an_end(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchlist, "LONGEST", 1)
    for slug in ("la-sociale", "reprise"):
        shop.film(slug)
    person = shop.customer()
    client = shop.signed_in(person)
    ask(client, "oui")
    assert ask(client, "oui").location == FILM  # what is there needs no place
    full = ask(client, "oui", "/films/reprise")
    assert full.location == "/compte/liste" and "Votre liste est pleine" in client.get(full.location).text
    with app.app_context(), pytest.raises(watchlist.ListIsFull), transaction() as session:
        watchlist.note(session, person.id, "reprise", clock.now())
    assert on_list(client) == ["la-sociale"]


def test_who_asks_is_answered(app: Flask, client: FlaskClient, shop: Shop) -> None:
    shop.film()
    person = shop.signed_in(shop.customer())
    assert client.post(f"{FILM}/liste", data={"csrf_token": csrf_of(client, "/connexion")}).status_code == 303
    assert person.post(f"{FILM}/liste", data={"garder": "oui"}).status_code == 400
    assert ask(person, "oui", "/films/no-such-film").status_code == 404
    by_script = person.post(
        f"{FILM}/liste",
        data={"csrf_token": csrf_of(person, "/compte"), "garder": "oui"},
        headers={"Accept": "application/json"},
    )
    assert (by_script.status_code, by_script.headers["Cache-Control"]) == (204, "no-store")
    stranger = client.get(FILM)
    assert f'href="/connexion?next={FILM}">À voir plus tard' in stranger.text and "<form" not in stranger.text
    with app.app_context():
        assert watchlist.listed_films(db.session, 999) == []
