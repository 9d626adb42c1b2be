"""A forgotten password: the same answer for everybody, a link that works once, and every other session ends."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from time import process_time

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store.customers.models import AccountLink, Customer, Passkey
from store.db import db, transaction
from store.jobs.models import Job
from store.web.limits import limiter
from tests.conftest import both_engines
from tests.customers.letters import deliver, link_in
from tests.postbox import Postbox
from tests.prepaid_cards.counter import Counter
from tests.shop import PASSWORD, Shop, csrf_of

ASK = "/mot-de-passe-oublie"
NEW = "un-tout-autre-mot-de-passe"


def ask(client: FlaskClient, email: str, **more: str) -> TestResponse:
    return client.post(ASK, data={"email": email, "csrf_token": csrf_of(client, ASK), **more})


def choose(client: FlaskClient, link: str, password: str = NEW) -> TestResponse:
    page = client.get(link)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    onward = re.search(r'name="next"[^>]* value="([^"]*)"', page.text)[1]
    return client.post(
        link.partition("?")[0], data={"password": password, "csrf_token": token, "next": onward.replace("&amp;", "&")}
    )


def sign_in(client: FlaskClient, password: str) -> int:
    fields = {"email": "jeanne@example.org", "password": password, "csrf_token": csrf_of(client, "/connexion")}
    return client.post("/connexion", data=fields).status_code


@pytest.fixture
def link(app: Flask, shop: Shop, postbox: Postbox) -> str:
    """The link that Jeanne was mailed."""
    shop.customer("jeanne@example.org")
    ask(app.test_client(), "jeanne@example.org")
    [letter] = deliver(app, postbox)
    return link_in(letter)


@both_engines
def test_a_link_leads_back_into_the_account(app: Flask, shop: Shop, postbox: Postbox) -> None:
    elsewhere = shop.signed_in(shop.customer("jeanne@example.org"))
    client = app.test_client()
    asked = ask(client, " Jeanne@Example.ORG", next="/films/la-sociale?de=accueil")
    assert (asked.status_code, client.get(asked.location).status_code) == (303, 200)
    [letter] = deliver(app, postbox)
    assert letter["To"] == "jeanne@example.org"
    answer = choose(client, link_in(letter))
    assert (answer.status_code, answer.location) == (303, "/films/la-sociale?de=accueil")
    assert client.get("/compte").status_code == 200
    assert elsewhere.get("/compte").status_code == 303, "another session goes on"
    assert (sign_in(app.test_client(), PASSWORD), sign_in(app.test_client(), NEW)) == (422, 303)
    [told] = deliver(app, postbox)
    assert told["Subject"] == "Votre mot de passe a été changé"


@both_engines
def test_a_link_works_once(app: Flask, link: str) -> None:
    assert choose(app.test_client(), link).status_code == 303
    again = app.test_client()
    assert again.get(link).status_code == 404
    token = csrf_of(again, ASK)
    assert again.post(link, data={"password": PASSWORD, "csrf_token": token}).status_code == 404
    assert sign_in(app.test_client(), NEW) == 303


def test_a_link_ends_after_an_hour(app: Flask, shop: Shop, postbox: Postbox) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        shop.customer("jeanne@example.org")
        ask(app.test_client(), "jeanne@example.org")
        link = link_in(deliver(app, postbox)[0])
        clock_hands.shift(timedelta(minutes=59, seconds=59))
        assert app.test_client().get(link).status_code == 200
        clock_hands.shift(timedelta(seconds=1))
        assert app.test_client().get(link).status_code == 404


def test_a_link_ends_with_the_password_that_it_replaces(app: Flask, shop: Shop, link: str) -> None:
    with app.app_context(), transaction() as session:
        session.scalars(select(Customer)).one().password_hash = "another"
    client = app.test_client()
    assert choose(client, link).status_code == 404
    assert client.get("/compte").status_code == 303


def test_the_table_holds_no_token(app: Flask, link: str) -> None:
    token = link.rpartition("/")[2]
    with app.app_context():
        kept = db.session.scalars(select(AccountLink)).one()
        payloads = db.session.scalars(select(Job.payload)).all()
        assert token not in str((kept.digest, kept.stamp, kept.email, payloads))
    assert app.test_client().get(f"/mot-de-passe/{kept.digest}").status_code == 404


def test_a_refused_password_leaves_the_link(app: Flask, link: str) -> None:
    client = app.test_client()
    refused = choose(client, link, "court")
    assert refused.status_code == 422 and 'id="password-error"' in refused.text
    assert choose(client, link).status_code == 303


def test_the_link_is_on_the_shops_own_address_and_nobody_is_told_it(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer("jeanne@example.org")
    client = app.test_client()
    poisoned = {"Host": "example.org", "X-Forwarded-Host": "example.org", "Forwarded": "host=example.org"}
    token = csrf_of(client, ASK)
    for name, value in poisoned.items():
        fields = {"email": "jeanne@example.org", "csrf_token": token}
        assert client.post(ASK, data=fields, headers={name: value}).status_code == (400 if name == "Host" else 303)
    letters = deliver(app, postbox)
    assert len(letters) == 2
    for letter in letters:
        assert "example.org/" not in letter.as_string().replace("jeanne@example.org", "")
        page = client.get(link_in(letter))
        assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store"


def test_nobody_is_answered_as_everybody_is(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer("jeanne@example.org")
    answers = set()
    for email in ("jeanne@example.org", "nobody@example.org"):
        client = app.test_client()
        asked = ask(client, email)
        page = re.sub(r'name="csrf_token" value="[^"]*"', "", client.get(asked.location).text)
        answers.add((asked.status_code, asked.location, page))
    assert len(answers) == 1
    assert [letter["To"] for letter in deliver(app, postbox)] == ["jeanne@example.org"]


@both_engines
def test_nobody_costs_as_much_time_as_everybody(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, query_count
) -> None:
    """The same statements, so the same work; and the clock agrees."""
    monkeypatch.setattr(limiter, "enabled", False)
    shop.customer("jeanne@example.org")
    client = app.test_client()
    token = csrf_of(client, ASK)
    spent: dict[str, list[float]] = {"jeanne@example.org": [], "nobody@example.org": []}
    statements = set()
    for _ in range(30):
        for email, times in spent.items():
            with query_count() as queries:
                before = process_time()
                assert client.post(ASK, data={"email": email, "csrf_token": token}).status_code == 303
                times.append(process_time() - before)
            statements.add(tuple(queries))
    assert len(statements) == 1
    known, unknown = map(min, spent.values())
    assert unknown == pytest.approx(known, rel=0.12, abs=0.003)


def test_five_letters_a_day_for_an_address(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer("jeanne@example.org")
    with time_machine.travel("2026-11-23T20:00:00Z") as clock_hands:
        for email in ("jeanne@example.org", "nobody@example.org"):
            spellings = [email, email.upper(), f" {email}"]
            asked = [ask(app.test_client(), spellings[number % 3]) for number in range(6)]
            assert [answer.status_code for answer in asked] == [303] * 5 + [429]
            assert 0 < int(asked[-1].headers["Retry-After"]) <= 24 * 3600
        assert len(deliver(app, postbox)) == 5
        clock_hands.shift(timedelta(days=1, seconds=1))
        assert ask(app.test_client(), "jeanne@example.org").status_code == 303


def test_an_account_that_somebody_else_signed_up_for_is_its_addresss_alone(
    app: Flask, shop: Shop, postbox: Postbox
) -> None:
    """Whoever squats on an address may have left a passkey behind: choosing a password by mail ends it."""
    squatter = shop.customer("jeanne@example.org", is_confirmed=False)
    with app.app_context(), transaction() as session:
        at = session.scalars(select(Customer.joined_at)).one()
        facts = {"credential_id": "x", "public_key": b"", "sign_count": 0, "user_handle": "", "name": "x"}
        session.add(Passkey(customer_id=squatter.id, made_at=at, **facts))
    ask(app.test_client(), "jeanne@example.org")
    assert choose(app.test_client(), link_in(deliver(app, postbox)[0])).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Passkey)).all() == []
        assert db.session.scalars(select(Customer.confirmed_at)).one() is not None


@both_engines
def test_two_who_choose_at_once_by_one_link(app: Flask, link: str) -> None:
    browsers = [app.test_client() for _ in range(8)]
    tokens = [re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link).text)[1] for browser in browsers]
    barrier = threading.Barrier(len(browsers))

    def press(number: int) -> int:
        barrier.wait()
        fields = {"password": f"{NEW}-{number}", "csrf_token": tokens[number]}
        return browsers[number].post(link, data=fields).status_code

    with ThreadPoolExecutor(len(browsers)) as pool:
        statuses = list(pool.map(press, range(len(browsers))))
    assert sorted(statuses) == [303] + [404] * 7
    winner = statuses.index(303)
    assert [browser.get("/compte").status_code == 200 for browser in browsers] == [
        number == winner for number in range(len(browsers))
    ]
    assert sign_in(app.test_client(), f"{NEW}-{winner}") == 303


@both_engines
def test_a_code_that_was_entered_before_is_there_afterwards(app: Flask, shop: Shop, postbox: Postbox) -> None:
    """Code, sign-in, forgotten password, letter, new password, and the code stands in its box."""
    buyer = shop.customer("paul@example.org")
    shop.customer("jeanne@example.org")
    client, code = app.test_client(), Counter(app).card(buyer)
    away = client.post("/cartes/activer", data={"code": code, "csrf_token": csrf_of(client, "/cartes/activer")})
    [to_forgotten] = re.findall(r'href="(/mot-de-passe-oublie[^"]*)"', client.get(away.location).text)
    onward = re.search(r'name="next"[^>]* value="([^"]*)"', client.get(unescape(to_forgotten)).text)[1]
    ask(client, "jeanne@example.org", next=onward)
    [letter] = [letter for letter in deliver(app, postbox) if letter["To"] == "jeanne@example.org"]
    landed = choose(client, link_in(letter)).location
    assert landed == "/cartes/activer" and f'value="{code}"' in client.get(landed).text


ODD = ["", "\0", "x" * 10_000, "jeanne", "jeanne@example.org\r\nBcc: a@example.org", "<script>", "%ed%a0%80"]


@pytest.mark.parametrize("text", ODD)
def test_odd_input_is_an_ordinary_refusal(app: Flask, text: str) -> None:
    client = app.test_client()
    answer = ask(client, text, next=text)
    assert answer.status_code == 422 and "<script>" not in answer.text
