"""Several cards in one order: one Session, one payment, and every card on its own from then on."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.checkout.fulfil import SETTLED, settle
from store.checkout.models import MOST_CARDS, Order
from store.checkout.start import Purchase, place_order
from store.db import db, transaction
from store.gateways.stripe_gateway import fetch_session
from store.ledger.balance import outstanding
from store.ledger.models import Journal
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.models import PrepaidCard
from tests.checkout.stripe_side import pay
from tests.checkout.test_buying_a_card import lots, order_card
from tests.checkout.test_giving_a_card import (
    CODE,
    GIFT,
    assert_books_are_right,
    buy,
    letters,
    press,
    redeem,
)
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

pytestmark = both_engines

PRINTED = {"pour": "cadeau", "denomination": "10", "remise": "imprimer"}

QueryCount = Callable[[], AbstractContextManager[list[str]]]


def last4s(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(PrepaidCard.last4).order_by(PrepaidCard.id)))


def test_three_for_oneself_are_one_payment(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client, combien="3")
    with app.app_context():
        assert fetch_session(session_id).amount == 6000
    pay(sandbox, session_id)
    thanks = client.get(f"/paiement/retour?session_id={session_id}").text
    assert "63,00" in thanks
    assert all(number in thanks for number in last4s(app))
    assert lots(app) == [2000, 100] * 3
    with app.app_context():
        journals = select(Journal.reference, Journal.idempotency_key).order_by(Journal.id)
        assert [tuple(row) for row in db.session.execute(journals)] == [
            ("order:1", "topup:1:credit"),
            ("order:1:2", "topup:1:2:credit"),
            ("order:1:3", "topup:1:3:credit"),
        ]
    own = client.get("/compte/cartes").text
    assert all(number in own for number in last4s(app))
    [letter] = letters(app, person.email)
    assert all(number in letter for number in last4s(app))
    assert "60,00" in letter and "63,00" in letter


def test_each_address_gets_a_card_of_its_own(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    gift = {**GIFT, "recipient_email": "Eloise@example.org, paul@example.org,", "recipient_name": "Éloïse, Paul"}
    thanks = buy(jeanne, sandbox, **gift, combien="7")  # which is for other cards than these
    assert "40,00" in thanks and "Éloïse" in thanks and "paul@example.org" in thanks
    codes = []
    for name, address in (("Éloïse", "eloise@example.org"), ("Paul", "paul@example.org")):
        [letter] = letters(app, address)
        codes.append(re.search(CODE, letter).group())
        assert jeanne.get("/compte/cartes").text.count(name) == 1
        person = shop.customer(address)
        assert redeem(shop.signed_in(person), codes[-1]) == 303
        assert shop.credit_of(person) == 2100
    assert codes[0] != codes[1]
    assert_books_are_right(app)


def test_printed_cards_are_as_many_as_one_says(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, **PRINTED, combien="3", recipient_name="Zoë")
    assert jeanne.get("/compte/cartes").text.count("/imprimer") == 3
    buy(jeanne, sandbox, **PRINTED, combien="2", recipient_name="Anne, Léon")
    page = jeanne.get("/compte/cartes").text
    assert (page.count("Zoë"), page.count("Anne"), page.count("Léon")) == (3, 1, 1)
    with app.app_context():
        assert outstanding(db.session).unredeemed == 5000


def test_a_single_card_may_be_for_a_name_with_a_comma(shop: Shop, sandbox: str) -> None:
    assert "Dupont, Jean" in buy(shop.signed_in(shop.customer()), sandbox, **GIFT | {"recipient_name": "Dupont, Jean"})


def test_suspended_cards_are_counted_one_by_one(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, pour="suspendue", denomination="10", combien="2")
    for _card in range(2):
        assert re.search(CODE, app.test_cli_runner().invoke(args=["cards", "hand-out"]).output)
    assert app.test_cli_runner().invoke(args=["cards", "hand-out"]).exit_code == 1


def test_a_wallet_counts_the_cards_together(shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer(credit=10000))
    token = csrf_of(client, "/cartes")
    answer = client.post("/cartes/acheter", data={"denomination": "50", "combien": "3", "csrf_token": token})
    assert answer.status_code == 422 and "150,00" in answer.text
    order_card(client, "50", combien="2")
    answer = client.post("/cartes/acheter", data={"denomination": "20", "combien": "2", "csrf_token": token})
    assert answer.status_code == 422 and "40,00" in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"denomination": "20", "combien": "0"},
        {"denomination": "20", "combien": "21"},
        {"denomination": "20", "combien": "-1"},
        {"denomination": "20", "combien": "deux"},
        {"denomination": "20", "combien": "9" * 40},
        {**PRINTED, "combien": "3", "recipient_name": "Anne, Léon"},
        {**PRINTED, "combien": "2", "recipient_name": " , "},
        {**PRINTED, "combien": "2", "recipient_name": f"Anne, {'x' * 101}"},
        {**GIFT, "recipient_email": "a@example.org, b@example.org", "recipient_name": "A, B, C"},
        {**GIFT, "recipient_email": "a@example.org, A@example.org"},
        {**GIFT, "recipient_email": "a@example.org, b"},
        {**GIFT, "recipient_email": ","},
        {**GIFT, "recipient_email": ",".join(f"a{number}@example.org" for number in range(MOST_CARDS + 1))},
    ],
)
def test_what_cannot_be_ordered_is_said(app: Flask, shop: Shop, fields: dict[str, str]) -> None:
    answer = press(shop.signed_in(shop.customer()), **fields)
    assert answer.status_code == 422
    assert 'class="field-error"' in answer.text
    with app.app_context():
        assert db.session.scalar(select(func.count(Order.id))) == 0


def test_another_number_of_cards_is_another_order(shop: Shop, sandbox: str) -> None:
    client, key = shop.signed_in(shop.customer()), "0" * 32
    assert order_card(client, form_key=key, combien="2") == order_card(client, form_key=key, combien="2")
    assert order_card(client, form_key=key, combien="3") != order_card(client, form_key=key, combien="2")


def test_settling_a_card_takes_few_statements(app: Flask, shop: Shop, sandbox: str, query_count: QueryCount) -> None:
    session_id = order_card(shop.signed_in(shop.customer()))
    pay(sandbox, session_id)
    with app.app_context(), query_count() as queries:
        assert settle(session_id) == SETTLED
    assert len(queries) <= 8, "\n".join(queries)
    assert lots(app) == [2000, 100]


def test_twenty_cards_cost_no_storm(app: Flask, shop: Shop, sandbox: str, query_count: QueryCount) -> None:
    """Ordering takes as many statements as for two; settling adds those of the books alone: journal, lots, postings."""
    client, counted = shop.signed_in(shop.customer()), {}
    for quantity in (2, 20):
        session_id = order_card(client, "libre", montant="5", combien=str(quantity))
        pay(sandbox, session_id)
        with app.app_context(), query_count() as queries:
            settle(session_id)
        counted[quantity] = len(queries)
    assert counted[20] - counted[2] == 3 * 18
    assert len(lots(app)) == 22


@pytest.mark.parametrize("purpose", ["self", "gift", "suspended"])
def test_ordering_twenty_takes_the_statements_of_two(
    app: Flask, shop: Shop, query_count: QueryCount, purpose: str
) -> None:
    person, counted = shop.customer(), []
    for quantity in (2, 20):
        wish = GiftWish("print", "Paul", None, "", clock_today(app))
        gifts = [wish] * quantity if purpose == "gift" else []
        purchase = Purchase(person.id, person.wallet_id, person.email, purpose, 500, 500, quantity, gifts)
        with app.app_context(), query_count() as queries, transaction() as session:
            place_order(session, purchase, "EUR", clock.now())
        counted.append(len(queries))
    assert counted[0] == counted[1]


def clock_today(app: Flask):
    with app.app_context():
        return clock.today()
