"""Signing in: one answer to all failures, a limit on tries, and no way to learn who has an account."""

import re
from collections.abc import Callable

import pytest
import time_machine
from argon2 import Parameters, Type
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store.customers import passwords
from store.customers.passwords import hash_password, password_matches
from store.web.limits import limiter
from tests.shop import PASSWORD, Shop, csrf_of
from tests.timing import are_alike

WRONG = "un-mauvais-mot-de-passe"


def sign_in(client: FlaskClient, email: str, password: str, **more: str) -> TestResponse:
    """Send the form."""
    token = csrf_of(client, "/connexion")
    return client.post("/connexion", data={"email": email, "password": password, "csrf_token": token, **more})


def from_address(app: Flask, address: str) -> FlaskClient:
    """A browser elsewhere."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_signing_in_goes_on(client: FlaskClient, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    answer = sign_in(client, " Jeanne@Example.ORG", PASSWORD, next="/cartes?film=la-sociale")
    assert (answer.status_code, answer.location) == (303, "/cartes?film=la-sociale")
    assert client.get("/compte").status_code == 200
    assert client.get("/connexion?next=/films").location == "/films"


def test_who_is_signed_in_is_signed_in_nowhere_else(client: FlaskClient, shop: Shop) -> None:
    shop.signed_in(shop.customer())
    assert client.get("/compte").location == "/connexion?next=/compte"


def test_wrong_password_and_unknown_address_get_one_answer(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    pages = set()
    for email, password in (("jeanne@example.org", WRONG), ("nobody@example.org", PASSWORD), ("nobody", PASSWORD)):
        answer = sign_in(app.test_client(), email, password)
        assert answer.status_code == 422
        page = re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text)
        pages.add(page.replace(f'value="{email}"', ""))
    assert len(pages) == 1


@pytest.fixture
def slow_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes so long that it shows who was not worth it."""
    slow = Parameters(Type.ID, 19, 16, 32, time_cost=2, memory_cost=16384, parallelism=1)
    monkeypatch.setattr(passwords, "CHEAPEST", slow)
    monkeypatch.setattr(limiter, "enabled", False)


@pytest.mark.usefixtures("slow_hashes")
def test_all_failures_take_like_time(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    client = app.test_client()
    token = csrf_of(client, "/connexion")

    def failing(email: str, password: str) -> Callable[[], TestResponse]:
        return lambda: client.post("/connexion", data={"email": email, "password": password, "csrf_token": token})

    acts = {
        "known": failing("jeanne@example.org", WRONG),
        "unknown": failing("nobody@example.org", WRONG),
        "no address": failing("nobody", WRONG),
    }
    assert {act().status_code for act in acts.values()} == {422}
    assert are_alike(acts)


@pytest.mark.usefixtures("slow_hashes")
def test_a_hash_that_is_left_out_would_show(app: Flask) -> None:
    with app.app_context():
        digest = hash_password(PASSWORD)
        assert not are_alike({"known": lambda: password_matches(WRONG, digest), "unknown": lambda: None})


def test_ten_failures_close_an_account_to_everybody_for_a_while(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    shop.customer("paul@example.org")
    spellings = ["jeanne@example.org", "JEANNE@example.org ", "jeanne@ｅxample.org"]
    with time_machine.travel("2026-11-23T20:00:00Z") as clock:
        failures = [
            sign_in(from_address(app, f"192.0.2.{number}"), spellings[number % 3], WRONG).status_code
            for number in range(10)
        ]
        assert failures == [422] * 10
        refused = sign_in(from_address(app, "192.0.2.99"), "jeanne@example.org", PASSWORD)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 300
        assert sign_in(from_address(app, "192.0.2.99"), "paul@example.org", PASSWORD).status_code == 303
        clock.shift(301)
        assert sign_in(from_address(app, "192.0.2.99"), "jeanne@example.org", PASSWORD).status_code == 303


def test_ten_failures_close_an_address_to_all_accounts(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    guesser = app.test_client()
    assert {sign_in(guesser, f"guess-{number}@example.org", WRONG).status_code for number in range(10)} == {422}
    assert sign_in(guesser, "jeanne@example.org", PASSWORD).status_code == 429
    claims_another_address = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
    token = csrf_of(guesser, "/connexion")
    fields = {"email": "jeanne@example.org", "password": PASSWORD, "csrf_token": token}
    assert guesser.post("/connexion", data=fields, headers=claims_another_address).status_code == 429
    assert sign_in(from_address(app, "192.0.2.1"), "jeanne@example.org", PASSWORD).status_code == 303


def test_successes_are_not_counted(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    assert {sign_in(app.test_client(), "jeanne@example.org", PASSWORD).status_code for _ in range(12)} == {303}


ODD = ["", "\0", "x" * 10_000, "\u202ejeanne", "%ed%a0%80", "'; DROP TABLE customer --", "{{ 7*7 }}", "<script>"]


def test_odd_input_is_an_ordinary_failure(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    shop.customer("jeanne@example.org")
    for text in ODD:
        for email, password in ((text, WRONG), ("jeanne@example.org", text), (text, text)):
            answer = sign_in(app.test_client(), email, password, next=text)
            assert answer.status_code == 422, text
            assert "<script>" not in answer.text
        assert app.test_client().post("/connexion", data={"csrf_token": text}).status_code == 400
