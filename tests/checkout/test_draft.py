"""What a stranger filled in on /cartes is still there once they have signed in, and nowhere but in their own browser."""

import html
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from store import clock
from store.checkout import draft
from store.customers.models import Customer
from store.db import transaction
from tests.checkout.test_giving_a_card import GIFT, press
from tests.conftest import both_engines
from tests.shop import PASSWORD, Shop

SECRET = "a secret of the tests, long enough for a key"
PERSONAL = ("Éloïse", "eloise@example.org", "anniversaire")


def in_ten_days(app: Flask) -> str:
    with app.app_context():
        return (clock.today() + timedelta(days=10)).isoformat()


def signed_in_by(client: FlaskClient, answer: TestResponse, way: str) -> TestResponse:
    """Go where the answer leads, sign in or change over to signing up, and go where that leads."""
    assert answer.status_code == 303
    page = client.get(answer.location).text
    if way == "/inscription":
        [change_over] = re.findall(r'href="(/inscription\?next=[^"]+)"', page)
        page = client.get(html.unescape(change_over)).text
    fields = dict(re.findall(r'name="(csrf_token|next)"[^>]* value="([^"]+)"', page))
    fields = {name: html.unescape(text) for name, text in fields.items()}
    email = "jeanne@example.org" if way == "/connexion" else "nouvelle@example.org"
    back = client.post(way, data={**fields, "email": email, "password": PASSWORD, "name": "Jeanne"})
    assert back.status_code == 303
    return client.get(back.location)


def assert_filled(page: str, texts: dict[str, str], chosen: dict[str, str]) -> None:
    for name, text in texts.items():
        assert re.search(rf'<input [^>]*name="{name}"[^>]* value="{re.escape(text)}"', page), name
    for name, value in chosen.items():
        assert re.search(rf'<input [^>]*checked[^>]*name="{name}"[^>]* value="{value}"', page) or re.search(
            rf'name="{name}" value="{value}" checked', page
        ), name


@both_engines
@pytest.mark.parametrize("way", ["/connexion", "/inscription"])
def test_a_gift_survives_signing_in_and_is_kept_nowhere_else(app: Flask, shop: Shop, sandbox: str, way: str) -> None:
    shop.customer()
    client, day = app.test_client(), in_ten_days(app)
    away = press(client, **GIFT, deliver_on=day, remise="email", film="la-sociale")
    assert not [text for text in PERSONAL if text in unquote(away.location)]
    cookie = client.get_cookie("draft", path="/cartes")
    assert cookie and cookie.http_only and cookie.same_site == "Lax" and cookie.max_age == 5400
    assert client.get_cookie("draft") is None
    page = signed_in_by(client, away, way)
    assert page.headers["Cache-Control"] == "no-store"
    assert "est encore là" in page.text and "card-chosen" not in page.text
    assert_filled(
        page.text,
        {"recipient_name": "Éloïse", "recipient_email": "eloise@example.org", "deliver_on": day},
        {"pour": "cadeau", "denomination": "20", "remise": "email"},
    )
    assert re.search(r"<textarea [^>]*>\s*Bon anniversaire !\r?\nÀ bientôt.</textarea>", page.text)
    with app.app_context(), transaction() as session:
        session.execute(
            update(Customer).values(confirmed_at=clock.now())
        )  # `tests/customers/test_confirm.py` shows what waits
    ordered = press(client, **GIFT, deliver_on=day)
    assert ordered.location.startswith(sandbox)
    assert client.get_cookie("draft", path="/cartes") is None


def test_a_printed_gift_of_any_sum_comes_back_too(app: Flask, shop: Shop) -> None:
    shop.customer()
    client = app.test_client()
    away = press(client, pour="cadeau", denomination="libre", montant="37,50", remise="imprimer", recipient_name="Zoë")
    page = signed_in_by(client, away, "/connexion")
    chosen = {"pour": "cadeau", "denomination": "libre", "remise": "imprimer"}
    assert_filled(page.text, {"montant": "37,50", "recipient_name": "Zoë"}, chosen)


def test_a_card_for_oneself_needs_no_cookie(app: Flask, shop: Shop) -> None:
    shop.customer()
    client = app.test_client()
    away = press(client, pour="moi", denomination="50", form_key="0" * 32)
    assert client.get_cookie("draft", path="/cartes") is None
    page = signed_in_by(client, away, "/connexion")
    assert 'class="card-on-sale card-chosen"' in page.text and "encore là" not in page.text


def test_a_mistake_is_told_before_signing_in(app: Flask) -> None:
    client = app.test_client()
    answer = press(client, **{**GIFT, "recipient_email": "eloise"})
    assert answer.status_code == 422 and 'value="eloise"' in answer.text and "Éloïse" in answer.text
    assert client.get_cookie("draft", path="/cartes") is None


def test_a_draft_shows_where_signing_in_leads_alone_and_for_an_hour_and_a_half(app: Flask, shop: Shop) -> None:
    shop.customer()
    with time_machine.travel("2026-11-24T10:00:00Z") as moment:
        client = app.test_client()
        away = press(client, **GIFT)
        assert "Éloïse" in signed_in_by(client, away, "/connexion").text
        for elsewhere in ("/cartes", "/cartes?pour=cadeau", "/cartes/activer"):
            assert "Éloïse" not in client.get(elsewhere).text
        address = re.search(r"next=([^&]+)", away.location).group(1)
        moment.shift(5401)
        late = client.get(unquote(address)).text
    assert "Éloïse" not in late and "n’est plus là" in late
    assert_filled(late, {}, {"pour": "cadeau", "denomination": "20"})


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "é", "." * 3000])
def test_a_forged_draft_fills_nothing(app: Flask, cookie: str) -> None:
    client = app.test_client()
    client.set_cookie("draft", cookie, path="/cartes")
    page = client.get("/cartes?pour=cadeau&brouillon=1")
    assert page.status_code == 200 and "n’est plus là" in page.text


def test_only_our_secret_seals() -> None:
    fields = {"pour": ["cadeau"], "message": ["Bon film !"]}
    assert draft.unseal(SECRET, draft.seal(SECRET, fields)) == fields
    assert draft.unseal(SECRET, draft.seal("another" * 6, fields)) is None


def test_the_longest_form_fits_into_a_cookie() -> None:
    """All letters that print take three bytes at most; these do not compress well."""
    letters = [chr(0x1EA0 + number * 37 % 90) for number in range(800)]
    fields = {
        "message": ["".join(letters[:500])],
        "recipient_name": ["".join(letters[500:600])],
        "recipient_email": ["".join(chr(97 + number * number % 26) for number in range(254))],
    }
    sealed = draft.seal(SECRET, fields)
    assert len(sealed) <= draft.LONGEST and draft.unseal(SECRET, sealed) == fields


def test_of_what_does_not_fit_the_longest_stays_behind() -> None:
    fields = {"long": [f"{number * 7919 % 10_007:x}" for number in range(2000)], "message": ["Bon film !"]}
    sealed = draft.seal(SECRET, fields)
    assert len(sealed) <= draft.LONGEST and draft.unseal(SECRET, sealed) == {"message": ["Bon film !"]}
