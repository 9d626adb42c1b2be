"""Passkeys, by an authenticator in software: sign-up, sign-in, naming, removal, and what no passkey may do.

`tests/journey/test_passkeys.py` walks the same ways in a browser.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store import create_app
from store.customers.models import Passkey, PasskeyChallenge
from store.customers.passkeys import Site
from store.db import db
from tests.authenticator import PRESENT, Authenticator
from tests.conftest import both_engines, settings_for
from tests.customers.letters import deliver
from tests.postbox import Postbox
from tests.shop import PASSWORD, Shop, csrf_of

PAGE = "/compte/securite"
WHO = {"name": "Ambre", "email": "ambre@example.org"}


def question(client: FlaskClient, kind: str, page: str, **fields: str) -> Any:
    answer = client.post(f"/cle-acces/{kind}", data=fields | {"csrf_token": csrf_of(client, page)})
    assert answer.status_code == 200, answer.status_code
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def sign_up(client: FlaskClient, passkey: Authenticator, **more: str) -> TestResponse:
    asked = question(client, "nouvelle", "/inscription", **WHO)
    fields = WHO | {"passkey": passkey.make(asked), "csrf_token": csrf_of(client, "/inscription")}
    return client.post("/inscription", data=fields | more)


def sign_in(client: FlaskClient, answer: str, **more: str) -> TestResponse:
    fields = {"passkey": answer, "csrf_token": csrf_of(client, "/connexion")}
    return client.post("/connexion", data=fields | more)


def show(client: FlaskClient, passkey: Authenticator) -> TestResponse:
    return sign_in(client, passkey.show(question(client, "defi", "/connexion")))


def add(client: FlaskClient, passkey: Authenticator, label: str = "") -> TestResponse:
    fields = {"passkey": passkey.make(question(client, "nouvelle", PAGE)), "label": label}
    return client.post(f"{PAGE}/cles", data=fields | {"csrf_token": csrf_of(client, PAGE)})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/compte").status_code == 200


@both_engines
def test_a_passkey_alone_signs_up_and_in(app: Flask, client: FlaskClient) -> None:
    passkey = Authenticator()
    answer = sign_up(client, passkey, next="/films/la-sociale")
    assert (answer.status_code, answer.location) == (303, "/films/la-sociale")
    assert "Ambre" in client.get("/compte").text
    other = app.test_client()
    assert show(other, passkey).status_code == 303 and is_signed_in(other)
    for password in ("", "x", "nobody's password", PASSWORD):
        fields = {"email": WHO["email"], "password": password, "csrf_token": csrf_of(app.test_client(), "/connexion")}
        stranger = app.test_client()
        fields["csrf_token"] = csrf_of(stranger, "/connexion")
        assert stranger.post("/connexion", data=fields).status_code == 422


@both_engines
def test_an_answer_counts_once(app: Flask, client: FlaskClient) -> None:
    passkey = Authenticator(counts=False)
    sign_up(client, passkey)
    thief = app.test_client()
    answer = passkey.show(question(thief, "defi", "/connexion"))
    cookie = thief.get_cookie("session").value
    assert sign_in(thief, answer).status_code == 303
    for again in (app.test_client(), thief):
        again.set_cookie("session", cookie)  # the challenge is in it, signed by us
        assert sign_in(again, answer).status_code == 422
        assert not is_signed_in(again)


def test_an_answer_comes_from_the_browser_that_was_asked(app: Flask, client: FlaskClient) -> None:
    passkey = Authenticator()
    sign_up(client, passkey)
    asked, other = app.test_client(), app.test_client()
    answer = passkey.show(question(asked, "defi", "/connexion"))
    question(other, "defi", "/connexion")
    assert sign_in(other, answer).status_code == 422
    assert sign_in(asked, answer).status_code == 303


def test_a_challenge_is_answered_within_five_minutes(app: Flask, client: FlaskClient) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        passkey = Authenticator()
        sign_up(client, passkey)
        for minutes, status in ((5, 422), (4, 303)):
            other = app.test_client()
            answer = passkey.show(question(other, "defi", "/connexion"))
            clock_hands.shift(timedelta(minutes=minutes))
            assert sign_in(other, answer).status_code == status
        with app.app_context():
            assert db.session.scalars(select(PasskeyChallenge)).all() == []


@pytest.mark.parametrize(
    "passkey",
    [
        Authenticator(origin="https://example.org"),
        Authenticator(origin="http://localhost:81"),
        Authenticator(flags=PRESENT),
    ],
    ids=["another site", "another port", "an owner who was not verified"],
)
def test_a_passkey_of_elsewhere_is_refused(client: FlaskClient, passkey: Authenticator) -> None:
    refused = sign_up(client, passkey)
    assert refused.status_code == 422 and "Aucune clé d’accès n’a été créée" in refused.text
    assert not is_signed_in(client)


def test_a_forged_signature_and_a_copied_key_are_refused(app: Flask, client: FlaskClient) -> None:
    passkey, forger = Authenticator(), Authenticator()
    sign_up(client, passkey)
    forger.credential_id, forger.handle, forger.count = passkey.credential_id, passkey.handle, 100
    assert show(app.test_client(), forger).status_code == 422
    passkey.count = 0  # a copy that lags behind the original (WebAuthn, 6.1.1)
    assert show(app.test_client(), passkey).status_code == 422
    passkey.count = 5
    assert show(app.test_client(), passkey).status_code == 303
    passkey.handle = "AAAA"
    assert show(app.test_client(), passkey).status_code == 422


JUNK = [
    "-",
    "{}",
    "[]",
    "null",
    "\0",
    "x" * 5000,
    '{"id": 1}',
    '{"id": "x", "rawId": "é", "type": "public-key", "response": {}}',
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_an_ordinary_refusal(app: Flask, client: FlaskClient, junk: str) -> None:
    question(client, "defi", "/connexion")
    assert sign_in(client, junk).status_code == 422
    question(client, "nouvelle", "/inscription", **WHO)
    fields = WHO | {"passkey": junk, "csrf_token": csrf_of(client, "/inscription")}
    assert client.post("/inscription", data=fields).status_code == 422
    assert sign_in(app.test_client(), junk).status_code == 422, "nothing was asked"


def test_a_wrong_field_is_said_beside_it_before_a_passkey_is_made(client: FlaskClient) -> None:
    wrong = WHO | {"email": "ambre", "csrf_token": csrf_of(client, "/inscription")}
    assert client.post("/cle-acces/nouvelle", data=wrong).status_code == 422
    page = client.post("/inscription", data=wrong | {"passkey": "-"}).text
    assert re.findall(r'class="field-error" id="(\w+)-error"', page) == ["email"]


def test_an_address_that_is_taken_is_told_as_with_a_password(client: FlaskClient, shop: Shop) -> None:
    shop.customer(WHO["email"])
    refused = sign_up(client, Authenticator())
    assert refused.status_code == 422
    assert re.findall(r'class="field-error" id="(\w+)-error"', refused.text) == ["email"]


@both_engines
def test_passkeys_are_added_named_and_removed(app: Flask, shop: Shop, postbox: Postbox) -> None:
    client, first, second = shop.signed_in(shop.customer()), Authenticator(), Authenticator()
    assert add(client, first, "Mon téléphone").status_code == 303
    assert add(client, second).status_code == 303
    assert [letter["Subject"] for letter in deliver(app, postbox)] == [
        "Une clé d’accès a été ajoutée à votre compte"
    ] * 2
    assert first.handle == second.handle, "one owner, one handle"
    page = client.get(PAGE).text
    assert "<h3>Mon téléphone</h3>" in page
    [one, two] = sorted(set(re.findall(rf"{PAGE}/cles/(\d+)/retirer", page)))
    token = {"csrf_token": csrf_of(client, PAGE)}
    assert client.post(f"{PAGE}/cles/{two}/nom", data=token | {"label": " La <clé>  USB "}).status_code == 303
    assert "<h3>La &lt;clé&gt; USB</h3>" in client.get(PAGE).text
    assert client.post(f"{PAGE}/cles/{one}/retirer", data=token).status_code == 303
    assert show(app.test_client(), first).status_code == 422
    assert show(app.test_client(), second).status_code == 303
    stranger = shop.signed_in(shop.customer("paul@example.org"))
    for act in ("nom", "retirer"):
        fields = {"label": "x", "csrf_token": csrf_of(stranger, PAGE)}
        assert stranger.post(f"{PAGE}/cles/{two}/{act}", data=fields).status_code == 404
    assert client.post(f"{PAGE}/cles/{two}/retirer", data=token).status_code == 303, "a password is left"
    with app.app_context():
        assert db.session.scalars(select(Passkey)).all() == []


@both_engines
def test_the_last_way_in_is_not_removed(app: Flask, client: FlaskClient) -> None:
    passkey = Authenticator()
    sign_up(client, passkey)
    [address] = re.findall(rf'action="({PAGE}/cles/\d+/retirer)"', client.get(PAGE).text)
    token = {"csrf_token": csrf_of(client, PAGE)}
    told = client.post(address, data=token, follow_redirects=True)
    assert "seule entrée de votre compte" in told.text
    assert client.post(f"{PAGE}/mot-de-passe", data=token | {"new_password": PASSWORD}).status_code == 303
    assert (
        "seule entrée"
        not in client.post(address, data={"csrf_token": csrf_of(client, PAGE)}, follow_redirects=True).text
    )
    assert show(app.test_client(), passkey).status_code == 422


def test_who_has_no_password_proves_themselves_by_passkey(app: Flask, shop: Shop, client: FlaskClient) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        passkey, others = Authenticator(), Authenticator()
        sign_up(client, passkey)
        add(shop.signed_in(shop.customer()), others)
        clock_hands.shift(timedelta(minutes=16))
        proof = f"{PAGE}/preuve"
        for act in ("mot-de-passe", "code", "cles", "adresse"):
            answer = client.post(f"{PAGE}/{act}", data={"csrf_token": csrf_of(client, "/compte")})
            assert answer.location == f"{proof}?next={PAGE}", act
        assert client.post("/cle-acces/nouvelle", data={"csrf_token": csrf_of(client, "/compte")}).status_code == 403
        for shown_by, status in ((others, 422), (passkey, 303)):
            fields = {"passkey": shown_by.show(question(client, "defi", proof)), "next": PAGE}
            assert client.post(proof, data=fields | {"csrf_token": csrf_of(client, proof)}).status_code == status
        assert client.post(f"{PAGE}/adresse", data={"csrf_token": csrf_of(client, "/compte")}).status_code == 422


@pytest.mark.parametrize(
    ("origin", "can"),
    [
        ("https://shop.example", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", False),
        ("https://[::1]", False),
        ("http://shop.example", False),
    ],
)
def test_where_browsers_know_passkeys(origin: str, can: bool) -> None:
    assert Site(origin, "x").can_have_passkeys == can


def test_where_they_do_not_nothing_offers_one(tmp_path, database_url: str) -> None:
    settings = settings_for(tmp_path, database_url, SHOP_URL="http://127.0.0.1:8000")
    client = create_app(settings).test_client()
    at = {"base_url": "http://127.0.0.1:8000"}
    for page in ("/connexion", "/inscription"):
        assert "passkey.js" not in client.get(page, **at).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/connexion", **at).text)[1]
    assert client.post("/cle-acces/defi", data={"csrf_token": token}, **at).status_code == 404
