"""A form takes the fields that it shows, prices come from the database, and GET changes nothing."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from store.checkout.models import Order
from store.customers.models import Customer
from store.db import db
from store.ledger.models import Lot
from store.prepaid_cards.models import PrepaidCard
from store.web.limits import limiter
from tests.conftest import both_engines
from tests.shop import PASSWORD, Shop, csrf_of
from tests.web.furnished import furnish
from tests.web.test_roles import ROUTES, filled

SMUGGLED = {
    **{
        "id": "1",
        "role": "staff",
        "is_staff": "1",
        "wallet_id": "1",
        "customer_id": "1",
        "credit": "99999",
        "balance": "99999",
    },
    **{"price": "1", "price_cents": "1", "credit_cents": "99999", "amount": "1", "currency": "XAF", "state": "paid"},
    **{
        "card_price_cents": "1",
        "card_credit_cents": "99999",
        "film_price_cents": "0",
        "purpose": "self",
        "quantity": "20",
    },
    **{
        "paid_at": "2026-01-01",
        "kind": "purchase",
        "ends_at": "2099-01-01",
        "email_confirmed": "1",
        "confirmed_at": "2026-01-01",
    },
}
"""Names of columns, and what somebody would like them to hold."""

MAY_CHANGE = {"/paiement/retour"}
"""INTERFACE.md: the only GET that does."""


def rows(app: Flask, model: type) -> list:
    with app.app_context():
        return list(db.session.scalars(select(model).order_by(model.id)))


def test_who_signs_up_chooses_neither_role_nor_wallet(app: Flask, shop: Shop) -> None:
    shop.staff()
    client = app.test_client()
    fields = {
        "name": "Ambre",
        "email": "ambre@example.org",
        "password": PASSWORD,
        "csrf_token": csrf_of(client, "/inscription"),
    }
    assert client.post("/inscription", data={**SMUGGLED, **fields}).status_code == 303
    customer = rows(app, Customer)[-1]
    assert (customer.email, customer.role, customer.wallet_id != 1, customer.id != 1) == (
        "ambre@example.org",
        None,
        True,
        True,
    )
    assert rows(app, Lot) == []
    assert client.get("/equipe/alertes").status_code == 404


def test_a_card_costs_and_gives_what_the_shop_says(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    fields = {"denomination": "20", "pour": "cadeau", "remise": "imprimer", "recipient_name": "Paul"}
    client.post("/cartes/acheter", data={**SMUGGLED, **fields, "csrf_token": csrf_of(client, "/cartes")})
    [order], [card] = rows(app, Order), rows(app, PrepaidCard)
    assert (order.price_cents, order.credit_cents, order.currency, order.state) == (2000, 2100, "EUR", "pending")
    assert (order.customer_id, order.purpose, order.quantity, order.paid_at) == (person.id, "gift", 1, None)
    assert (card.price_cents, card.credit_cents) == (2000, 2100)


@both_engines
def test_a_film_costs_its_price(app: Flask, shop: Shop) -> None:
    shop.film()
    person, other = shop.customer(credit=350), shop.customer("other@example.org", credit=9000)
    client = shop.signed_in(person)
    fields = {**SMUGGLED, "wallet_id": str(other.wallet_id), "customer_id": str(other.id)}
    client.post("/films/la-sociale/louer", data={**fields, "csrf_token": csrf_of(client, "/compte")})
    assert (shop.credit_of(person), shop.credit_of(other)) == (0, 9000)


def contents(app: Flask) -> dict[str, list[str]]:
    """Every row of every table."""
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
        return {table: sorted(map(repr, db.session.execute(text(f'SELECT * FROM "{table}"')))) for table in tables}


def test_get_changes_nothing_in_any_table(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    furnished = furnish(app, shop)
    addresses = filled(furnished.values)
    staff = shop.signed_in(shop.staff())
    before = contents(app)
    for rule in reading(MAY_CHANGE):
        for browser in (app.test_client(), furnished.browser, staff):
            query = {**SMUGGLED, "csrf_token": furnished.token, "commande": furnished.unpaid, "carte": "1"}
            browser.get(addresses[rule], query_string=query).close()
            browser.head(addresses[rule]).close()
    after = contents(app)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}


def reading(apart_from: set[str]) -> Iterator[str]:
    """The routes that are read."""
    return (rule for rule, methods in ROUTES.items() if "GET" in methods and rule not in apart_from)
