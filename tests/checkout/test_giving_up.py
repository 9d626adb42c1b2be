"""Leaving Stripe's page without paying, and coming back to the same order."""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from store.checkout.models import Order
from store.db import db, transaction
from store.gateways.stripe_gateway import fetch_session
from tests.checkout.stripe_side import act, announce_debit, pay
from tests.checkout.test_bank_debit import expire
from tests.checkout.test_buying_a_card import lots, order_card
from tests.checkout.test_gap import PAYER, come_back, order_gap
from tests.conftest import both_engines
from tests.shop import Shop

pytestmark = both_engines


def order_key(app: Flask, session_id: str) -> str:
    with app.app_context():
        return db.session.scalars(select(Order.key).where(Order.stripe_session_id == session_id)).one()


def abandoned(app: Flask, session_id: str) -> str:
    """Where Stripe's page leads who gives up."""
    with app.app_context():
        client = app.extensions["stripe_client"]
        return client.v1.checkout.sessions.retrieve(session_id).cancel_url.removeprefix(app.config["SHOP_URL"])


def main_of(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.search(r"<main.*</main>", answer.text, re.DOTALL).group()


def test_given_up_and_taken_up_again_it_is_one_order(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client, combien="3")
    page = main_of(client, abandoned(app, session_id))
    assert "3 cartes de 20" in page and "60,00" in page
    resume = re.search(r'href="(/paiement/reprendre\?[^"]+)"', page).group(1)
    assert resume in client.get("/compte/cartes").text
    for _time in range(2):
        onward = client.get(resume)
        assert onward.status_code == 303 and session_id in onward.location
    pay(sandbox, session_id)
    assert client.get(resume).location == f"/paiement/retour?session_id={session_id}"
    come_back(client, session_id)
    assert client.get(abandoned(app, session_id)).location == f"/paiement/retour?session_id={session_id}"
    assert lots(app) == [2000, 100] * 3
    with app.app_context():
        assert db.session.scalar(select(func.count(Order.id))) == 1


def test_one_comes_back_knowing_what_one_wanted(app: Flask, shop: Shop, sandbox: str) -> None:
    shop.film()
    client = shop.signed_in(shop.customer(credit=210))
    page = main_of(client, abandoned(app, order_gap(client)))
    assert "louer La Sociale" in page and 'href="/films/la-sociale"' in page and f'href="{PAYER}"' in page


def test_somebody_elses_order_shows_nothing(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne, paul = shop.signed_in(shop.customer()), shop.signed_in(shop.customer("paul@example.org"))
    key = order_key(app, order_card(jeanne))
    neutral = main_of(paul, "/paiement/abandon")
    assert "reprendre" not in neutral
    for address in (f"/paiement/abandon?commande={key}", "/paiement/abandon?commande=x", "/paiement/abandon?commande="):
        assert main_of(paul, address) == neutral
        assert main_of(app.test_client(), address) == neutral
    assert paul.get(f"/paiement/reprendre?commande={key}").status_code == 404


def test_what_has_closed_is_said_and_ordered_anew(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    key = order_key(app, session_id)
    expire(app, session_id)
    closed = client.get(f"/paiement/reprendre?commande={key}", follow_redirects=True)
    assert 'data-order-state="lapsed"' in closed.text and 'href="/cartes"' in closed.text
    assert "reprendre" not in main_of(client, f"/paiement/abandon?commande={key}")
    assert "reprendre" not in client.get("/compte/cartes").text


def test_a_debit_under_way_is_not_given_up(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    announce_debit(sandbox, session_id)
    come_back(client, session_id)
    answer = client.get(abandoned(app, session_id))
    assert (answer.status_code, answer.location) == (303, f"/paiement/retour?session_id={session_id}")


def test_an_order_that_never_reached_stripe_is_placed_anew(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    key = order_key(app, order_card(client))
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(stripe_session_id=None))
    answer = client.get(f"/paiement/reprendre?commande={key}")
    assert (answer.status_code, answer.location) == (303, "/cartes")


def test_without_stripe_one_is_told_to_come_again(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    key = order_key(app, session_id)
    act(sandbox, "faults", next="500", count=3)
    answer = client.get(f"/paiement/reprendre?commande={key}")
    assert answer.status_code == 503 and 'role="alert"' in answer.text
    assert session_id in client.get(f"/paiement/reprendre?commande={key}").location
    with app.app_context():
        assert fetch_session(session_id).status == "open"
