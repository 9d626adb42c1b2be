"""An address is confirmed by a link and a button: before that one buys and watches, after it one also gives."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store.customers.models import NO_PASSWORD, Customer, Passkey
from store.db import db, transaction
from tests.conftest import both_engines
from tests.customers.letters import deliver, link_in
from tests.postbox import Postbox
from tests.shop import PASSWORD, Shop, csrf_of

SECURITY = "/compte/securite"
GIFT = {"pour": "cadeau", "denomination": "20", "recipient_email": "a@example.org", "recipient_name": "Éloïse"}


def sign_up(client: FlaskClient, **more: str) -> None:
    fields = {"name": "Jeanne", "email": "jeanne@example.org", "password": PASSWORD, **more}
    assert client.post("/inscription", data=fields | {"csrf_token": csrf_of(client, "/inscription")}).status_code == 303


def confirm(client: FlaskClient, link: str) -> TestResponse:
    page = client.get(link)
    assert page.status_code == 200, page.status_code
    token, onward = (re.search(rf'name="{name}" value="([^"]*)"', page.text)[1] for name in ("csrf_token", "next"))
    return client.post(link.partition("?")[0], data={"csrf_token": token, "next": onward.replace("&amp;", "&")})


def customer_in(app: Flask) -> Customer:
    with app.app_context():
        return db.session.scalars(select(Customer)).one()


@both_engines
def test_signing_up_mails_a_link_whose_button_confirms(app: Flask, client: FlaskClient, postbox: Postbox) -> None:
    sign_up(client, next="/films?tri=annee")
    [letter] = deliver(app, postbox)
    assert letter["To"] == "jeanne@example.org"
    assert app.test_client().get(link_in(letter)).status_code == 200
    assert customer_in(app).confirmed_at is None, "looking at the page confirms"
    other_browser = app.test_client()
    answer = confirm(other_browser, link_in(letter))
    assert (answer.status_code, answer.location) == (303, "/films?tri=annee")
    assert customer_in(app).confirmed_at is not None
    assert other_browser.get("/compte").status_code == 303, "a link that confirms signs in"
    assert client.get(link_in(letter)).status_code == 404


def test_buying_for_oneself_waits_for_nothing(app: Flask, shop: Shop, client: FlaskClient) -> None:
    shop.film()
    sign_up(client)
    client.get("/compte")
    fields = {"pour": "moi", "denomination": "20", "csrf_token": csrf_of(client, "/cartes")}
    answer = client.post("/cartes/acheter", data=fields)
    assert "/confirmer" not in (answer.location or "")  # Stripe is away in this test: what counts is who was asked


@both_engines
def test_giving_waits_for_it_and_comes_back_as_it_was_filled(app: Flask, client: FlaskClient, postbox: Postbox) -> None:
    sign_up(client)
    deliver(app, postbox)
    away = client.post("/cartes/acheter", data=GIFT | {"csrf_token": csrf_of(client, "/cartes")})
    assert away.status_code == 303 and away.location.startswith("/confirmer?next=/cartes?")
    page = client.get(away.location)
    assert "jeanne@example.org" in page.text and "Rien n’a été perdu" in page.text
    onward = re.search(r'name="next" value="([^"]*)"', page.text)[1].replace("&amp;", "&")
    again = client.post("/confirmer", data={"csrf_token": csrf_of(client, away.location), "next": onward})
    assert again.status_code == 303 and "est en route" in client.get(again.location).text
    [letter] = deliver(app, postbox)
    back = confirm(client, link_in(letter))
    assert 'value="Éloïse"' in client.get(back.location).text
    assert client.get("/confirmer?next=/films").location == "/films"


def test_a_gifts_address_is_not_corrected_before(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer(is_confirmed=False))
    fields = {"recipient_email": "a@example.org", "csrf_token": csrf_of(client, "/compte")}
    assert client.post("/compte/cartes/1/adresse", data=fields).location == "/confirmer?next=/compte/cartes"


def test_the_link_is_sent_again_five_times_a_day(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer(is_confirmed=False))
    fields = {"csrf_token": csrf_of(client, "/compte")}
    assert [client.post("/confirmer", data=fields).status_code for _ in range(6)] == [303] * 5 + [429]


def change(client: FlaskClient, email: str) -> TestResponse:
    return client.post(f"{SECURITY}/adresse", data={"new_email": email, "csrf_token": csrf_of(client, SECURITY)})


@both_engines
def test_another_address_is_confirmed_and_the_old_one_told(app: Flask, shop: Shop, postbox: Postbox) -> None:
    client = shop.signed_in(shop.customer())
    assert change(client, " Jeanne@Example.net ").status_code == 303
    [to_new] = deliver(app, postbox)
    assert (to_new["To"], customer_in(app).email) == ("jeanne@example.net", "jeanne@example.org")
    assert confirm(app.test_client(), link_in(to_new)).status_code == 303
    assert customer_in(app).email == "jeanne@example.net"
    [to_old] = deliver(app, postbox)
    assert to_old["To"] == "jeanne@example.org" and "jeanne@example.net" in to_old.as_string()
    assert "jeanne@example.net" in client.get("/compte").text


@both_engines
def test_the_old_address_takes_the_account_back(app: Flask, shop: Shop, postbox: Postbox) -> None:
    """Whatever the thief of a session made ends: password, passkeys, sessions, links on their way."""
    thief = shop.signed_in(shop.customer())
    change(thief, "thief@example.net")
    confirm(thief, link_in(deliver(app, postbox)[0]))
    [to_old] = deliver(app, postbox)
    customer = customer_in(app)
    with app.app_context(), transaction() as session:
        facts = {"credential_id": "x", "public_key": b"", "sign_count": 0, "user_handle": "", "name": "x"}
        session.add(Passkey(customer_id=customer.id, made_at=customer.joined_at, **facts))
    assert confirm(app.test_client(), link_in(to_old)).location == "/connexion"
    customer = customer_in(app)
    assert (customer.email, customer.password_hash) == ("jeanne@example.org", NO_PASSWORD)
    assert thief.get("/compte").status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Passkey)).all() == []
    [to_choose] = deliver(app, postbox)
    assert to_choose["To"] == "jeanne@example.org"
    assert app.test_client().get(link_in(to_choose)).status_code == 200


def test_it_is_taken_back_for_seven_days(app: Flask, shop: Shop, postbox: Postbox) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        client = shop.signed_in(shop.customer())
        change(client, "jeanne@example.net")
        confirm(client, link_in(deliver(app, postbox)[0]))
        link = link_in(deliver(app, postbox)[0])
        clock_hands.shift(timedelta(days=7, seconds=-1))
        assert app.test_client().get(link).status_code == 200
        clock_hands.shift(timedelta(seconds=1))
        assert app.test_client().get(link).status_code == 404


def test_an_address_of_somebody_else_is_neither_told_nor_taken(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer("paul@example.org")
    client = shop.signed_in(shop.customer())
    answers = {change(client, email).status_code for email in ("paul@example.org", "nobody@example.org")}
    assert answers == {303}
    assert [letter["To"] for letter in deliver(app, postbox)] == ["nobody@example.org"]


def test_who_signs_up_with_it_meanwhile_keeps_it(app: Flask, shop: Shop, postbox: Postbox) -> None:
    client = shop.signed_in(shop.customer())
    change(client, "paul@example.org")
    link = link_in(deliver(app, postbox)[0])
    shop.customer("paul@example.org")
    refused = confirm(client, link)
    assert refused.status_code == 409 and "Rien n’a été changé" in refused.text
    assert "jeanne@example.org" in client.get("/compte").text


def test_it_asks_who_one_is_after_a_quarter_of_an_hour(app: Flask, shop: Shop, postbox: Postbox) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        client = shop.signed_in(shop.customer())
        clock_hands.shift(timedelta(minutes=15))
        assert change(client, "a@example.net").location == f"{SECURITY}/preuve?next={SECURITY}"
        assert deliver(app, postbox) == []
        proof = f"{SECURITY}/preuve?next={SECURITY}"
        for password, status in (("wrong", 422), (PASSWORD, 303)):
            fields = {"password": password, "next": SECURITY, "csrf_token": csrf_of(client, proof)}
            answer = client.post(f"{SECURITY}/preuve", data=fields)
            assert answer.status_code == status
        assert answer.location == SECURITY and change(client, "a@example.net").location == SECURITY
        assert len(deliver(app, postbox)) == 1


@pytest.mark.parametrize("text", ["", "\0", "x", "x" * 10_000, "a@example.org\r\nBcc: b@example.org", "<script>"])
def test_odd_addresses_are_refused_beside_the_field(shop: Shop, text: str) -> None:
    answer = change(shop.signed_in(shop.customer()), text)
    assert answer.status_code == 422 and 'id="new_email-error"' in answer.text and "<script>" not in answer.text
