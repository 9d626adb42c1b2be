"""A purchase in English: Stripe's page is asked for in it and leads back to it, whichever language one presses again in."""

import json
import re
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store.checkout.models import Order
from store.db import transaction
from tests.checkout.stripe_side import pay
from tests.conftest import both_engines
from tests.shop import Person, Shop, csrf_of

FILM = "/films/la-sociale"


@pytest.fixture
def person(shop: Shop) -> Person:
    """Who has 2.10 of credit, in a shop with a film for 3.50."""
    shop.film()
    return shop.customer(credit=210)


@pytest.fixture
def client(shop: Shop, person: Person) -> FlaskClient:
    return shop.signed_in(person)


def press(client: FlaskClient, act: str, **fields: str) -> str:
    """Press a button that leads to Stripe's page; returns the Session's id."""
    answer = client.post(act, data={"csrf_token": csrf_of(client, "/compte"), **fields})
    assert answer.status_code == 303, answer.text
    return re.search(r"cs_test_\w+", answer.location).group()


def session_at(sandbox: str, session_id: str) -> dict:
    """The Session as Stripe shows it."""
    request = Request(
        f"{sandbox}/v1/checkout/sessions/{session_id}", headers={"Authorization": "Bearer sk_test_sandbox"}
    )
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize(("site", "code"), [("", "fr"), ("/en", "en")])
def test_stripe_is_asked_in_the_language_of_the_page(client: FlaskClient, sandbox: str, site: str, code: str) -> None:
    session_id = press(client, f"{site}/cartes/acheter", denomination="20")
    session = session_at(sandbox, session_id)
    assert session["locale"] == code
    assert session["success_url"] == f"http://localhost{site}/paiement/retour?session_id={{CHECKOUT_SESSION_ID}}"
    assert session["cancel_url"].startswith(f"http://localhost{site}/paiement/abandon?commande=")
    given_up = client.get(session["cancel_url"])
    assert f'<html lang="{code}">' in given_up.text and f'href="{site}/paiement/reprendre?' in given_up.text
    pay(sandbox, session_id)
    assert f'<html lang="{code}">' in client.get(f"{site}/paiement/retour?session_id={session_id}").text


def test_a_film_that_is_paid_plays_on_its_english_page(client: FlaskClient, sandbox: str) -> None:
    assert (
        client.post(f"/en{FILM}/louer", data={"csrf_token": csrf_of(client, "/compte")}).location == f"/en{FILM}/payer"
    )
    session_id = press(client, f"/en{FILM}/payer")
    pay(sandbox, session_id)
    assert client.get(f"/en/paiement/retour?session_id={session_id}").location == f"/en{FILM}/voir"


@both_engines
@pytest.mark.parametrize("act", [f"{FILM}/payer", "/cartes/acheter"])
def test_pressed_again_in_the_other_language_it_is_the_same_order(
    app: Flask, client: FlaskClient, sandbox: str, act: str
) -> None:
    fields = {"denomination": "20", "form_key": "0" * 32} if act == "/cartes/acheter" else {}
    session_id = press(client, act, **fields)
    with app.app_context(), transaction() as session:  # as if killed before the two were joined
        session.execute(update(Order).values(stripe_session_id=None))
    assert press(client, f"/en{act}", **fields) == session_id
    assert press(client, f"/en{act}", **fields) == session_id
