"""Licence windows, territories and ages: what may be sold, what may be played, and what stays with who paid."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store.catalogue.licence import Bar, Licence
from store.catalogue.models import Film
from store.customers.declare import PIN_LASTS
from store.customers.models import Customer, CustomerSession
from store.db import db, transaction
from store.playback.authorise import Barred, CodeNeeded
from store.rentals.rent import NotOffered
from store.shown import move_on
from tests.conftest import both_engines
from tests.playback.theatre import SLUG, add_film, held, holder, now, page_token, start
from tests.shop import PASSWORD, Person, Shop, csrf_of

YESTERDAY, TODAY, TOMORROW = (now().date() + timedelta(days=days) for days in (-2, 0, 2))
"""Two days away, so that they are the same on both sides of midnight in Paris and Greenwich."""


def change(app: Flask, **values: object) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Film).where(Film.slug == SLUG).values(**values))
        move_on(session)


def move_to(app: Flask, person: Person, country: str) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Customer).where(Customer.id == person.id).values(country=country))


@pytest.mark.parametrize(
    ("licence", "country", "bar"),
    [
        (Licence(None, None, None), "JP", None),
        (Licence(date(2026, 11, 28), date(2026, 11, 28), ["FR", "BE"]), "BE", None),
        (Licence(date(2026, 11, 29), None, None), "FR", Bar.NOT_YET),
        (Licence(None, date(2026, 11, 27), None), "FR", Bar.OVER),
        (Licence(None, None, ["FR", "BE"]), "CH", Bar.TERRITORY),
        (Licence(None, None, []), "FR", Bar.TERRITORY),
    ],
)
def test_a_licence_says_when_and_where(licence: Licence, country: str, bar: Bar | None) -> None:
    assert licence.bar(country, date(2026, 11, 28)) == bar


@both_engines
@pytest.mark.parametrize("how", ["rental", "purchase"])
def test_nothing_is_sold_outside_the_licence(app: Flask, shop: Shop, how: str) -> None:
    shop.film(SLUG)
    person = shop.customer(credit=9000)
    for bar, values in (
        (Bar.NOT_YET, {"licensed_from": TOMORROW}),
        (Bar.OVER, {"licensed_from": None, "licensed_until": YESTERDAY}),
        (Bar.TERRITORY, {"licensed_until": None, "territories": ["BE", "CH"]}),
    ):
        change(app, **values)
        with pytest.raises(NotOffered) as refused:
            add_film(app, person, how, SLUG)
        assert refused.value.bar == bar
    assert shop.credit_of(person) == 9000
    move_to(app, person, "CH")
    add_film(app, person, how, SLUG)


@both_engines
def test_a_rental_must_begin_within_the_licence(app: Flask, shop: Shop) -> None:
    shop.film(SLUG)
    change(app, licensed_until=TOMORROW)
    person = shop.customer(credit=9000)
    add_film(app, person, "rental", SLUG)
    begin_before = held(app).begin_before
    assert begin_before
    assert timedelta(days=1) < begin_before - now() < timedelta(days=4)
    change(app, licensed_until=YESTERDAY)
    with pytest.raises(Barred) as refused:
        start(app, person)
    assert refused.value.bar == Bar.OVER
    assert held(app).begun_at is None


@both_engines
@pytest.mark.parametrize("how", ["rental", "purchase"])
def test_what_was_begun_or_bought_outlives_the_licence(app: Flask, shop: Shop, how: str) -> None:
    person = holder(app, shop, how)
    start(app, person)
    change(app, licensed_until=YESTERDAY)
    start(app, person)
    change(app, licensed_until=None, licensed_from=TOMORROW)
    with pytest.raises(Barred):
        start(app, person)


@both_engines
def test_a_territory_counts_at_play_too(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    change(app, territories=["FR", "BE"])
    start(app, person)
    with pytest.raises(Barred) as refused:
        start(app, person, country="JP")
    assert refused.value.bar == Bar.TERRITORY


def test_a_film_for_adults_asks_for_the_code(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    change(app, age=16)
    start(app, person)
    change(app, age=18)
    with pytest.raises(CodeNeeded):
        start(app, person)


# In the browser


def post(client: FlaskClient, address: str, page: str, **fields: object):
    return client.post(address, data={"csrf_token": csrf_of(client, page), **fields})


def test_the_film_page_says_why_it_offers_nothing(app: Flask, shop: Shop) -> None:
    shop.film(SLUG)
    client = shop.signed_in(shop.customer(credit=9000))
    for words, values in (
        ("À voir ici à partir du", {"licensed_from": TOMORROW}),
        ("a pris fin le", {"licensed_from": None, "licensed_until": YESTERDAY}),
        ("que dans ces pays\xa0: Belgique, Suisse", {"licensed_until": None, "territories": ["BE", "CH"]}),
    ):
        change(app, **values)
        page = client.get(f"/films/{SLUG}").text
        assert words in page
        assert "/louer" not in page
        assert "data-playable" not in page
        refused = post(client, f"/films/{SLUG}/louer", "/compte")
        assert (refused.status_code, refused.location) == (303, f"/films/{SLUG}")
        assert "Rien n’a été prélevé" in client.get(refused.location).text
        assert client.get(f"/films/{SLUG}/payer").status_code == 404
    assert post(client, "/compte/pays", "/compte", country="CH").status_code == 303
    assert "/louer" in client.get(f"/films/{SLUG}").text


def test_a_country_is_one_of_the_list(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    for country in ("", "XX", "EU", "fr", "FRANCE", "\0"):
        assert post(client, "/compte/pays", "/compte", country=country).status_code == 303
        assert "Rien n’a changé" in client.get("/compte").text
    with app.app_context():
        assert db.session.scalars(select(Customer.country)).one() is None


def test_who_may_not_begin_any_more_undoes_the_rental(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    client = shop.signed_in(person)
    token = page_token(client)
    change(app, licensed_until=YESTERDAY)
    refused = client.post(f"/films/{SLUG}/lecture", data={"csrf_token": token, "consentement": "oui"})
    assert (refused.status_code, refused.get_json()) == (403, {"reason": "barred", "bar": "over"})
    page = client.get(f"/films/{SLUG}/voir").text
    assert "a pris fin le" in page
    assert "data-play=" not in page
    assert post(client, f"/films/{SLUG}/annuler", f"/films/{SLUG}/voir").status_code == 303
    assert shop.credit_of(person) == 9000


def set_pin(client: FlaskClient, pin: str = "2468", password: str = PASSWORD):
    return post(client, "/compte/securite/code", "/compte/securite", pin=pin, password=password)


def enter_pin(client: FlaskClient, pin: str):
    return post(client, f"/films/{SLUG}/code", "/compte/securite", pin=pin)


@pytest.fixture
def adult(app: Flask, shop: Shop) -> FlaskClient:
    """The browser of somebody who bought a film that is forbidden to minors."""
    person = holder(app, shop, "purchase")
    change(app, age=18)
    return shop.signed_in(person)


def test_the_code_opens_films_for_adults(app: Flask, shop: Shop, adult: FlaskClient) -> None:
    lecture = f"/films/{SLUG}/lecture"
    assert "/compte/securite#code" in adult.get(f"/films/{SLUG}/voir").text
    assert enter_pin(adult, "").status_code == 422
    assert set_pin(adult, password="another password").status_code == 422
    assert set_pin(adult, pin="12a4").status_code == 422
    assert set_pin(adult).status_code == 303
    page = adult.get(f"/films/{SLUG}/voir").text
    assert f'action="/films/{SLUG}/code"' in page
    assert "data-play=" not in page
    refused = post(adult, lecture, "/compte/securite")
    assert (refused.status_code, refused.get_json()) == (409, {"reason": "code"})
    wrong = enter_pin(adult, "1357")
    assert wrong.status_code == 422
    assert "pas le code" in wrong.text
    assert enter_pin(adult, "2468").location == f"/films/{SLUG}/voir"
    assert post(adult, lecture, "/compte/securite").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(Customer.pin_hash)).one().startswith("$argon2")
        with transaction() as session:
            session.execute(update(CustomerSession).values(pin_entered_at=now() - PIN_LASTS))
    assert post(adult, lecture, "/compte/securite").status_code == 409


def test_each_browser_is_asked_and_a_new_code_asks_again(shop: Shop, adult: FlaskClient) -> None:
    set_pin(adult)
    enter_pin(adult, "2468")
    other = shop.signed_in(Person(0, 0, "jeanne@example.org"))
    assert post(other, f"/films/{SLUG}/lecture", "/compte/securite").status_code == 409
    set_pin(other, pin="1357")
    assert post(adult, f"/films/{SLUG}/lecture", "/compte/securite").status_code == 409


def test_the_code_is_not_guessed(adult: FlaskClient) -> None:
    set_pin(adult)
    assert [enter_pin(adult, f"000{number}").status_code for number in range(6)] == [422] * 5 + [429]
    assert enter_pin(adult, "2468").status_code == 429


def test_the_code_is_entered_for_films_that_one_holds(shop: Shop, adult: FlaskClient) -> None:
    shop.film("les-jours-heureux")
    set_pin(adult)
    for pin in ("2468", "1357"):
        for slug in ("les-jours-heureux", "no-such-film"):
            answer = post(adult, f"/films/{slug}/code", "/compte/securite", pin=pin)
            assert (answer.status_code, answer.location) == (303, f"/films/{slug}")
