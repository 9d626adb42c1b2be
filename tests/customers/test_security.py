"""What protects the account: the password, the sessions, the devices that stay signed in, and who is told of what."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from store.customers import sessions
from store.customers.jobs import prune_what_is_over
from store.customers.models import AccountLink, CustomerSession, PasskeyChallenge, RememberedDevice
from store.db import db
from tests.conftest import both_engines
from tests.customers.letters import deliver, link_in
from tests.postbox import Postbox
from tests.shop import PASSWORD, Shop, csrf_of

PAGE = "/compte/securite"
NEW = "un-tout-autre-mot-de-passe"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def browser(app: Flask, user_agent: str = FIREFOX) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = user_agent
    return client


def sign_in(client: FlaskClient, password: str = PASSWORD, **more: str) -> TestResponse:
    fields = {"email": "jeanne@example.org", "password": password, "csrf_token": csrf_of(client, "/connexion")}
    return client.post("/connexion", data=fields | more)


def sign_out(client: FlaskClient) -> None:
    client.post("/deconnexion", data={"csrf_token": csrf_of(client, PAGE)})


def change_password(client: FlaskClient, present: str, new: str, token: str = "") -> TestResponse:
    fields = {"present": present, "new_password": new, "csrf_token": token or csrf_of(client, PAGE)}
    return client.post(f"{PAGE}/mot-de-passe", data=fields)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/compte").status_code == 200


def count(app: Flask, model: type) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


@both_engines
def test_a_changed_password_ends_every_other_session(app: Flask, shop: Shop, postbox: Postbox) -> None:
    person = shop.customer()
    here, there = shop.signed_in(person), shop.signed_in(person)
    copy = app.test_client()
    copy.set_cookie("session", here.get_cookie("session").value)
    refused = change_password(here, "wrong", NEW)
    assert refused.status_code == 422 and 'id="present-error"' in refused.text
    assert is_signed_in(there)
    assert change_password(here, PASSWORD, NEW).status_code == 303
    assert [is_signed_in(client) for client in (here, there, copy)] == [True, False, False]
    assert (sign_in(app.test_client()).status_code, sign_in(app.test_client(), NEW).status_code) == (422, 303)
    assert [letter["Subject"] for letter in deliver(app, postbox)] == ["Votre mot de passe a été changé"]


@both_engines
def test_of_two_changes_at_once_one_wins(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    clients = [shop.signed_in(person) for _ in range(6)]
    tokens = [csrf_of(client, PAGE) for client in clients]
    barrier = threading.Barrier(len(clients))

    def press(number: int) -> str | None:
        barrier.wait()
        answer = change_password(clients[number], PASSWORD, f"{NEW}-{number}", tokens[number])
        assert answer.status_code in {303, 422}
        return answer.location  # of who was signed out before they were heard: the page to sign in

    with ThreadPoolExecutor(len(clients)) as pool:
        leads_to = list(pool.map(press, range(len(clients))))
    [winner] = [number for number, client in enumerate(clients) if is_signed_in(client)]
    assert [number for number, location in enumerate(leads_to) if location == PAGE] == [winner]
    assert count(app, CustomerSession) == 1
    opens = [sign_in(app.test_client(), f"{NEW}-{number}").status_code == 303 for number in range(len(clients))]
    assert opens == [number == winner for number in range(len(clients))]


def test_a_password_that_was_changed_meanwhile_lets_nobody_in(app: Flask, shop: Shop, monkeypatch) -> None:
    """Checked before, changed between, used after: the session must not begin."""
    from store.customers.views import enter

    here, checked = shop.signed_in(shop.customer()), enter.passwords.password_matches

    def slowly(password: str, stored: str | None) -> bool:
        found = checked(password, stored)
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(change_password, here, PASSWORD, NEW).result().status_code == 303
        return found

    client = app.test_client()
    token = csrf_of(client, "/connexion")
    monkeypatch.setattr(enter.passwords, "password_matches", slowly)
    fields = {"email": "jeanne@example.org", "password": PASSWORD, "csrf_token": token}
    assert client.post("/connexion", data=fields).status_code == 422
    assert not is_signed_in(client)


@both_engines
def test_sessions_are_listed_and_ended_one_by_one(app: Flask, shop: Shop) -> None:
    shop.customer()
    here, telephone, other = browser(app), browser(app, SAFARI), browser(app)
    for client in (here, telephone, other):
        assert sign_in(client).status_code == 303
    page = here.get(PAGE).text
    assert page.count("Ce navigateur-ci.") == 1 and "Safari, iPhone" in page and page.count("Firefox, Linux") == 2
    [ending] = [
        digest
        for name, digest in re.findall(
            r"<h3>([^<]+)</h3>(?:(?!</li>).)*?name=\"session\" value=\"(\w+)\"", page, re.DOTALL
        )
        if name == "Safari, iPhone"
    ]
    token = csrf_of(here, PAGE)
    assert here.post(f"{PAGE}/sessions/fin", data={"session": ending, "csrf_token": token}).status_code == 303
    assert [is_signed_in(client) for client in (here, telephone, other)] == [True, False, True]
    assert here.post(f"{PAGE}/sessions/toutes", data={"csrf_token": token}).status_code == 303
    assert [is_signed_in(client) for client in (here, other)] == [True, False]


@both_engines
def test_somebody_elses_session_and_device_are_not_found(app: Flask, shop: Shop) -> None:
    mine = shop.signed_in(shop.customer("paul@example.org"))
    shop.customer()
    theirs = browser(app)
    sign_in(theirs, stays="y")
    with app.app_context():
        device = db.session.scalars(select(RememberedDevice)).one()
        digest = db.session.scalars(select(CustomerSession.digest).where(CustomerSession.device_id == device.id)).one()
    token = csrf_of(mine, PAGE)
    for address, fields in (
        (f"{PAGE}/sessions/fin", {"session": digest}),
        (f"{PAGE}/appareils/{device.id}/oublier", {}),
    ):
        assert mine.post(address, data=fields | {"csrf_token": token}).status_code == 404
        missing = {"session": "x"} if fields else {}
        assert mine.post(address.replace(str(device.id), "99"), data=missing | {"csrf_token": token}).status_code == 404
    mine.post(f"{PAGE}/sessions/toutes", data={"csrf_token": token})
    assert is_signed_in(theirs)


def test_the_page_costs_a_fixed_number_of_queries(app: Flask, shop: Shop, query_count) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    counts = []
    for _ in range(2):
        with query_count() as queries:
            assert client.get(PAGE).status_code == 200
        counts.append(len(queries))
        for _ in range(3):
            sign_in(browser(app), stays="y")
    assert counts[0] == counts[1] <= 8


@both_engines
def test_a_device_stays_signed_in_when_asked_and_longer(app: Flask, shop: Shop) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        shop.customer()
        stays, leaves = browser(app), browser(app)
        sign_in(stays, stays="y")
        sign_in(leaves)
        assert leaves.get_cookie("device") is None, "a cookie that nobody asked for"
        cookie = stays.get_cookie("device")
        assert cookie.http_only and cookie.same_site == "Lax" and cookie.max_age == 400 * 24 * 3600
        assert stays.get_cookie("session").expires - leaves.get_cookie("session").expires == timedelta(days=340)
        clock_hands.shift(timedelta(days=13))
        assert is_signed_in(stays) and is_signed_in(leaves)
        clock_hands.shift(timedelta(days=50))
        assert is_signed_in(stays) and not is_signed_in(leaves)
        for _ in range(4):
            clock_hands.shift(timedelta(days=84))
            assert is_signed_in(stays)
        clock_hands.shift(timedelta(days=2))
        assert not is_signed_in(stays), "it outlives its absolute end"


def test_a_forgotten_device_is_signed_out(app: Flask, shop: Shop) -> None:
    shop.customer()
    here, there = browser(app), browser(app, SAFARI)
    sign_in(here)
    sign_in(there, stays="y")
    [address] = re.findall(rf'action="({PAGE}/appareils/\d+/oublier)"', here.get(PAGE).text)
    assert here.post(address, data={"csrf_token": csrf_of(here, PAGE)}).status_code == 303
    assert (is_signed_in(here), is_signed_in(there), count(app, RememberedDevice)) == (True, False, 0)


def test_who_does_not_ask_any_more_is_forgotten(app: Flask, shop: Shop) -> None:
    shop.customer()
    client = browser(app)
    sign_in(client, stays="y")
    first = client.get_cookie("device").value
    sign_out(client)
    sign_in(client, stays="y")
    assert client.get_cookie("device").value != first and count(app, RememberedDevice) == 1
    sign_out(client)
    assert re.search(r'<input[^>]* checked[^>]* name="stays"', client.get("/connexion").text)
    sign_in(client)
    assert client.get_cookie("device") is None and count(app, RememberedDevice) == 0


def test_a_new_device_is_told_of_and_a_known_one_is_not(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer()
    home = browser(app)
    for client, told in (
        (home, True),
        (browser(app), False),  # like the first: nothing tells them apart
        (browser(app, SAFARI), True),
    ):
        sign_in(client, stays="y" if client is home else "")
        letters = deliver(app, postbox)
        assert [letter["Subject"] for letter in letters] == ["Connexion depuis un nouvel appareil"] * told
        assert all(link_in(letter) == PAGE for letter in letters)
    home.post(f"{PAGE}/sessions/toutes", data={"csrf_token": csrf_of(home, PAGE)})
    sign_out(home)
    sign_in(home, stays="y")
    assert deliver(app, postbox) == [], "a device that stays signed in is told of again"
    assert "Safari, iPhone" in letters[0].get_body(("plain",)).get_content()


def test_a_token_of_somebody_elses_device_is_none(app: Flask, shop: Shop, postbox: Postbox) -> None:
    shop.customer()
    shop.customer("paul@example.org")
    client = browser(app)
    sign_in(client, stays="y")
    sign_out(client)
    deliver(app, postbox)
    sign_in(client, email="paul@example.org")
    assert [letter["To"] for letter in deliver(app, postbox)] == ["paul@example.org"]
    assert count(app, RememberedDevice) == 1, "one customer forgets another's device"


@both_engines
def test_what_is_over_is_pruned(app: Flask, shop: Shop, postbox: Postbox) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        shop.customer()
        client = browser(app)
        client.post(
            "/mot-de-passe-oublie", data={"email": "jeanne@example.org", "csrf_token": csrf_of(client, "/connexion")}
        )
        client.post("/cle-acces/defi", data={"csrf_token": csrf_of(client, "/connexion")})
        sign_in(client, stays="y")
        deliver(app, postbox)
        tables = (AccountLink, PasskeyChallenge, CustomerSession, RememberedDevice)
        remaining = []
        for days in (0, 1, 90, 311):
            clock_hands.shift(timedelta(days=days))
            with app.app_context():
                prune_what_is_over()
            remaining.append([count(app, table) for table in tables])
        assert remaining == [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_proof_is_fresh_for_a_quarter_of_an_hour() -> None:
    assert timedelta(minutes=15) == sessions.PROOF_LASTS
