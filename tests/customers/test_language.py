"""The language in which somebody is written to, and that of the tables they take away."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from store.customers.models import Customer
from store.db import db
from tests.conftest import both_engines
from tests.shop import PASSWORD, Shop, csrf_of


def letters_in(app: Flask) -> list[str]:
    """The languages of all customers, in the order in which they came."""
    with app.app_context():
        return list(db.session.scalars(select(Customer.language).order_by(Customer.id)))


@both_engines
def test_it_is_that_of_the_page_on_which_one_signs_up(app: Flask) -> None:
    for site in ("", "/en"):
        client = app.test_client()
        form = {"name": "A", "email": f"a{len(site)}@example.org", "password": PASSWORD, "next": "/films"}
        answer = client.post(f"{site}/inscription", data=form | {"csrf_token": csrf_of(client, f"{site}/inscription")})
        assert answer.location == f"{site}/films"
    assert letters_in(app) == ["fr", "en"]


@both_engines
def test_one_may_choose_the_other(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    for site, offered, said in (("", "en", "anglais"), ("/en", "fr", "French")):
        page = client.get(f"{site}/compte")
        assert f'name="langue" value="{offered}"' in page.text
        answer = client.post(
            f"{site}/compte/langue", data={"langue": offered, "csrf_token": csrf_of(client, "/compte")}
        )
        assert (answer.status_code, answer.location) == (303, f"{site}/compte")
        assert letters_in(app) == [offered]
        assert said in client.get(answer.location).text


@pytest.mark.parametrize("chosen", ["", "de", "EN", "en\0", "x" * 10_000])
def test_there_are_two(app: Flask, shop: Shop, chosen: str) -> None:
    client = shop.signed_in(shop.customer())
    token = csrf_of(client, "/compte")
    assert client.post("/compte/langue", data={"langue": chosen, "csrf_token": token}).status_code == 422
    assert letters_in(app) == ["fr"]


@both_engines
def test_who_the_release_before_signs_up_is_written_to_in_french(app: Flask, shop: Shop) -> None:
    other = shop.customer()
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"UPDATE customer SET language = 'en' WHERE id = {other.id}"))
        connection.execute(
            text(
                "INSERT INTO wallet (id, currency, opened_at) SELECT 99, currency, opened_at FROM wallet WHERE id = :id"
            ),
            {"id": other.wallet_id},
        )
        connection.execute(
            text(
                "INSERT INTO customer (email, name, password_hash, wallet_id, joined_at)"
                " SELECT 'b@example.org', name, password_hash, 99, joined_at FROM customer"
            )
        )
    assert letters_in(app) == ["en", "fr"]


def test_a_table_is_divided_and_pointed_as_the_language_does(shop: Shop, client: FlaskClient) -> None:
    client = shop.signed_in(shop.customer(credit=123_450))
    french, english = (client.get(f"{site}/compte/credit.csv").text.splitlines() for site in ("", "/en"))
    assert french[0] == "\ufeffDate;Mouvement;Somme;Crédit;Référence" and ";1234,50;" in french[1]
    assert english[0] == "\ufeffDate,Movement,Sum,Credit,Reference" and ",1234.50," in english[1]
