"""Sessions live on the server: they end there, and the cookie is only their name."""

from datetime import timedelta

import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from store import clock, create_app
from store.customers import sessions
from store.customers.models import CustomerSession
from store.db import db, transaction
from tests.conftest import settings_for
from tests.shop import PASSWORD, Shop, csrf_of

DAY = timedelta(days=1)


def with_cookie(app: Flask, value: str) -> FlaskClient:
    """A browser that holds a copied cookie."""
    client = app.test_client()
    client.set_cookie("session", value)
    return client


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/compte").status_code == 200


def sign_out(client: FlaskClient) -> None:
    answer = client.post("/deconnexion", data={"csrf_token": csrf_of(client, "/compte")})
    assert (answer.status_code, answer.location) == (303, "/")


def test_signing_out_ends_a_copied_cookie_too(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    copy = with_cookie(app, client.get_cookie("session").value)
    assert is_signed_in(copy)
    sign_out(client)
    assert not is_signed_in(client)
    assert not is_signed_in(copy)


def test_signing_out_ends_this_browser_alone(shop: Shop) -> None:
    person = shop.customer()
    here, there = shop.signed_in(person), shop.signed_in(person)
    sign_out(here)
    assert is_signed_in(there)


def test_a_cookie_from_before_signing_in_opens_nothing(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    client = app.test_client()
    token = csrf_of(client, "/connexion")
    planted = client.get_cookie("session").value
    client.post("/connexion", data={"email": "jeanne@example.org", "password": PASSWORD, "csrf_token": token})
    assert is_signed_in(client)
    assert not is_signed_in(with_cookie(app, planted))
    answer = client.post("/deconnexion", data={"csrf_token": token})
    assert answer.status_code == 400, "the form token of the stranger's session is still good"


def test_signing_in_again_ends_the_session_before(app: Flask, shop: Shop) -> None:
    shop.customer("jeanne@example.org")
    client = shop.signed_in(shop.customer("paul@example.org"))
    earlier = with_cookie(app, client.get_cookie("session").value)
    fields = {"email": "jeanne@example.org", "password": PASSWORD, "csrf_token": csrf_of(client, "/compte")}
    assert client.post("/connexion", data=fields).status_code == 303
    assert "jeanne@example.org" in client.get("/compte").text
    assert not is_signed_in(earlier)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CustomerSession)) == 1


def test_a_cookie_that_we_did_not_sign_is_nobodys(app: Flask, shop: Shop) -> None:
    cookie = shop.signed_in(shop.customer()).get_cookie("session").value
    for forged in (cookie[:-2], "x" + cookie, cookie.split(".")[0], ""):
        assert not is_signed_in(with_cookie(app, forged))


def test_a_session_ends_when_idle(app: Flask, shop: Shop) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        used, left_alone = (shop.signed_in(shop.customer(email)) for email in ("a@example.org", "b@example.org"))
        clock_hands.shift(timedelta(days=13))
        assert is_signed_in(used)
        clock_hands.shift(timedelta(days=2))
        assert is_signed_in(used)
        assert not is_signed_in(left_alone)


def test_a_session_ends_by_age_however_much_it_is_used(app: Flask, shop: Shop) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as clock_hands:
        client = shop.signed_in(shop.customer())
        for _ in range(5):
            clock_hands.shift(12 * DAY - timedelta(seconds=1))
            assert is_signed_in(client)
        clock_hands.shift(timedelta(seconds=6))
        assert not is_signed_in(client)


def test_the_table_ends_a_session_by_age_whatever_the_cookie_says(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    with app.app_context():
        at = clock.now()
        with transaction() as session:
            session_id = sessions.begin(session, person.id, "Firefox", at)
            sessions.touch(session, session_id, at + sessions.LONGEST)
        assert sessions.find(db.session, session_id, at + sessions.LONGEST - timedelta(seconds=1))
        assert sessions.find(db.session, session_id, at + sessions.LONGEST) is None


def test_the_table_holds_no_id_that_opens_a_session(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    with app.app_context():
        with transaction() as session:
            session_id = sessions.begin(session, person.id, "Firefox", clock.now())
        kept = db.session.scalars(select(CustomerSession.digest)).one()
        assert session_id not in kept
        assert sessions.find(db.session, kept, clock.now()) is None


def test_the_cookie_is_out_of_reach(app: Flask, shop: Shop, tmp_path, database_url: str) -> None:
    client = shop.signed_in(shop.customer())
    cookie = client.get_cookie("session")
    assert cookie.http_only and cookie.same_site == "Lax" and not cookie.secure and cookie.path == "/"
    behind_tls = create_app(settings_for(tmp_path, database_url, SHOP_URL="https://shop.example")).test_client()
    answer = behind_tls.get("/connexion", base_url="https://shop.example")
    assert answer.headers["Set-Cookie"].startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert "Domain" not in answer.headers["Set-Cookie"]
