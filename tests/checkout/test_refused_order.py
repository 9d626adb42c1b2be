"""Stripe refuses what we ask for: an address it asks for itself instead; for the rest there is a page, and staff are told."""

import pytest
from flask import Flask
from sqlalchemy import select

from store.audit.models import Alert
from store.checkout.models import Order
from store.db import db
from tests.checkout.stripe_side import pay
from tests.checkout.test_buying_a_card import lots, order_card
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

CARD = {"denomination": "20", "pour": "moi"}


@both_engines
@pytest.mark.parametrize("address", ["jérôme@example.org", "claire@test", "jean@example.org"])
def test_an_address_that_stripe_refuses_costs_no_sale(app: Flask, shop: Shop, sandbox: str, address: str) -> None:
    client = shop.signed_in(shop.customer(address))
    session_id = order_card(client)
    asked_again = order_card(client)
    assert pay(sandbox, session_id) == "paid"
    assert client.get(f"/paiement/retour?session_id={session_id}").status_code == 200
    assert lots(app) == [2000, 100]
    assert asked_again != session_id


def test_one_press_is_one_session_even_so(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer("jérôme@example.org"))
    form_key = {"form_key": "0123456789abcdef0123456789abcdef"}
    assert order_card(client, **form_key) == order_card(client, **form_key)


@pytest.mark.parametrize(("page", "form"), [("/cartes", CARD), ("/films/la-sociale/payer", {})])
def test_any_other_refusal_is_told_to_the_customer_and_to_staff(
    app: Flask, shop: Shop, sandbox: str, monkeypatch: pytest.MonkeyPatch, page: str, form: dict[str, str]
) -> None:
    shop.film()
    client = shop.signed_in(shop.customer())
    monkeypatch.setitem(app.config, "SHOP_URL", "localhost")  # no address that Stripe would lead back to
    address = "/cartes/acheter" if form else page
    for _ in range(2):
        answer = client.post(address, data={"csrf_token": csrf_of(client, page), **form})
        assert answer.status_code == 502 and "Rien n’a été débité" in answer.text
    with app.app_context():
        assert {order.state for order in db.session.scalars(select(Order))} == {"pending"}
        [alert] = db.session.scalars(select(Alert))
        assert (alert.kind, alert.facts["reference"]) == ("order_refused", "url_invalid")
    assert lots(app) == []
