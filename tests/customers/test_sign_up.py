"""Signing up: signed in at once, each refusal beside its field, one customer and one wallet per address."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from store.customers.models import Customer
from store.customers.register import normalise
from store.db import db
from store.ledger.models import Wallet
from tests.conftest import both_engines
from tests.shop import PASSWORD, Shop, csrf_of

FILLED_IN = {"name": "Ambre", "email": "ambre@example.org", "password": PASSWORD}


def sign_up(client: FlaskClient, **changes: str) -> TestResponse:
    """Send the form, filled in well but for the changes."""
    token = csrf_of(client, "/inscription")
    return client.post("/inscription", data={**FILLED_IN, "csrf_token": token, **changes})


def customers(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Customer.id)))


def wallets(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Wallet.id)))


def test_signing_up_signs_in_and_goes_on(client: FlaskClient) -> None:
    answer = sign_up(client, next="/films/la-sociale?de=accueil")
    assert (answer.status_code, answer.location) == (303, "/films/la-sociale?de=accueil")
    assert "Ambre" in client.get("/compte").text


def test_the_way_on_survives_from_page_to_page(client: FlaskClient) -> None:
    to_sign_in = client.get("/compte/films").location
    to_sign_up = re.search(r'href="(/inscription[^"]*)"', client.get(to_sign_in).text).group(1)
    assert 'name="next" type="hidden" value="/compte/films"' in client.get(to_sign_up).text


WRONG = [
    *(("name", name) for name in ("", " \t ", "x" * 101, "A\0", "\u202eerbmA")),
    *(("email", email) for email in ("", "ambre", "ambre\0@example.org", "a@example.org\r\nBcc: b@example.org")),
    ("email", "x" * 10_000 + "@example.org"),
    ("email", b"\xed\xa0\x80@example.org".decode("latin-1")),  # a lone surrogate
    *(("password", password) for password in ("", "neuf-9car", "x" * 201)),
]


def test_a_wrong_field_is_said_beside_it_and_the_rest_is_kept(app: Flask, client: FlaskClient) -> None:
    for field, value in WRONG:
        answer = sign_up(client, **{field: value, "next": "/films"})
        assert answer.status_code == 422, value
        assert re.findall(r'class="field-error" id="(\w+)-error"', answer.text) == [field], value
        kept = [FILLED_IN[name] for name in ("name", "email") if name != field]
        assert all(f'value="{content}"' in answer.text for content in [*kept, "/films"])
        assert PASSWORD not in answer.text
    assert customers(app) == wallets(app) == 0


def test_names_of_all_kinds_are_names(app: Flask) -> None:
    for number, name in enumerate(["Jérôme 🎬", "عائشة", "N'Guessan", "<b>&", "李"]):
        client = app.test_client()
        assert sign_up(client, name=name, email=f"{number}@example.org").status_code == 303, name
        assert escape(name) in client.get("/compte").text


def test_one_address_is_one_customer_however_it_is_spelt(app: Flask, client: FlaskClient) -> None:
    sign_up(client)
    for again in ("ambre@example.org", " AMBRE@Example.ORG ", "ambre@ｅxample.org"):
        answer = sign_up(app.test_client(), email=again)
        assert answer.status_code == 422, again
        assert re.findall(r'class="field-error" id="(\w+)-error"', answer.text) == ["email"]
    assert customers(app) == wallets(app) == 1


def test_whether_an_address_is_taken_is_said_five_times_an_hour(app: Flask, shop: Shop) -> None:
    shop.customer(FILLED_IN["email"])
    client = app.test_client()
    assert [sign_up(client).status_code for _ in range(6)] == [422] * 5 + [429]
    refused = sign_up(client)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


def test_errors_that_tell_nothing_are_not_counted(client: FlaskClient) -> None:
    assert {sign_up(client, name="").status_code for _ in range(7)} == {422}
    assert sign_up(client).status_code == 303


@both_engines
def test_fifty_at_once_with_one_address_make_one_customer(app: Flask) -> None:
    clients = [app.test_client() for _ in range(50)]
    tokens = [csrf_of(client, "/inscription") for client in clients]
    barrier = threading.Barrier(len(clients))

    def press(client: FlaskClient, token: str) -> int:
        barrier.wait()
        return client.post("/inscription", data={**FILLED_IN, "csrf_token": token}).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(press, clients, tokens))
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 422, 429}
    assert (customers(app), wallets(app)) == (1, 1)


def test_an_address_is_kept_in_one_spelling() -> None:
    assert normalise("  Ambre@EXAMPLE.org ") == "ambre@example.org"
    assert normalise("e\u0301lise@example.org") == "élise@example.org"
    assert normalise("groß@example.org") != normalise("gross@example.org")
    for address in ("", "ambre", "a@b@example.org", "ambre@localhost", "a" * 250 + "@example.org"):
        with pytest.raises(ValueError, match="."):
            normalise(address)
