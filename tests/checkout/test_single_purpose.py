"""Single-purpose cards: VAT is booked when they are sold, used up when they are spent, and taken back with what goes back."""

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout.models import Order, Receipt, Refund
from store.checkout.refund import refund
from store.db import db
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import PrepaidCard
from tests.checkout.purchases import books, bought
from tests.checkout.stripe_side import act, pay
from tests.checkout.test_buying_a_card import do_jobs, order_card
from tests.checkout.test_giving_a_card import redeem
from tests.checkout.test_receipt_pages import sums_of
from tests.checkout.test_refund import pay_back, rent, sync
from tests.conftest import both_engines
from tests.shop import Person, Shop, csrf_of

pytestmark = both_engines


@pytest.fixture(autouse=True)
def single(app: Flask) -> None:
    app.config["CARD_VAT_MODE"] = "single"


@pytest.fixture
def person(shop: Shop) -> Person:
    shop.film()
    return shop.customer()


def papers(app: Flask) -> list[tuple[str, int, int]]:
    """Series, total and VAT of every receipt."""
    with app.app_context():
        rows = db.session.execute(select(Receipt.series, Receipt.total_cents, Receipt.vat_cents).order_by(Receipt.id))
        return [tuple(row) for row in rows]


def test_sold_spent_and_given_back_each_cent_of_vat_is_booked_once(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    """Of 20.00 3.33 are VAT; the film takes 1.00 of bonus and 2.50, in which 0.42 are."""
    client = shop.signed_in(person)
    order = bought(app, client, sandbox)
    sold = books(app)
    assert (sold["vat_collected"], sold["voucher_vat"]) == (-333, 333)
    rent(shop, person, "la-sociale")
    spent = books(app)
    assert (spent["vat_collected"], spent["voucher_vat"], spent["rental_sales"]) == (-333, 291, -208)
    page = client.get("/compte/recus/films/1").text
    assert sums_of(page.split("<table")[1]) == ["0,99 €", "0,98 €", "0,42 €", "0,11 €", "1,00 €", "3,50 €"]
    assert "TVA, due depuis la vente de la carte" in client.get("/compte/credit").text
    assert pay_back(app, order, 875) == "succeeded"
    assert pay_back(app, order) == "succeeded"
    assert books(app) == {"stripe_clearing": 250, "rental_sales": -208, "vat_collected": -42}
    assert papers(app) == [("sale", 2000, 333), ("credit_note", 875, 146), ("credit_note", 875, 145)]


def test_a_refund_that_fails_after_it_succeeded_makes_its_vat_due_again(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    order = bought(app, shop.signed_in(person), sandbox)
    before = books(app)
    assert pay_back(app, order, 1200) == "succeeded"
    assert books(app)["vat_collected"] == -133
    with app.app_context():
        stripe_id = db.session.scalars(select(Refund.stripe_refund_id)).one()
    act(sandbox, f"settle/{stripe_id}", outcome="failed")
    sync(app, order)
    assert books(app) == before
    assert papers(app) == [("sale", 2000, 333), ("credit_note", 1200, 200), ("sale", 1200, 200)]


def test_who_gives_a_card_back_gets_its_vat_back(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    bought(app, client, sandbox)
    rent(shop, person, "la-sociale")
    with app.app_context():
        page = f"/compte/cartes/{db.session.scalars(select(PrepaidCard.id)).one()}/retractation"
    assert client.post(page, data={"csrf_token": csrf_of(client, page)}).location == f"{page}/recue"
    do_jobs(app)
    assert books(app) == {"stripe_clearing": 250, "rental_sales": -208, "vat_collected": -42}
    assert papers(app) == [("sale", 2000, 333), ("credit_note", 1750, 291)]


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        ("won", {"stripe_clearing": 2000, "stored_value": -1750, "voucher_vat": 291, "vat_collected": -333}),
        ("lost", {"bad_debts": 250, "vat_collected": -42}),
    ],
)
def test_a_dispute_takes_back_the_vat_of_what_it_takes(
    app: Flask, shop: Shop, sandbox: str, person: Person, outcome: str, left: dict[str, int]
) -> None:
    order = bought(app, shop.signed_in(person), sandbox)
    rent(shop, person, "la-sociale")
    for now in ("open", outcome):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=now)
        sync(app, order)
    assert books(app) == {**left, "rental_sales": -208}


def test_a_gift_carries_its_vat_through_refund_and_redemption(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    """Of 10.00, in which 1.67 are VAT, 3.33 are given back before its code is entered, and come back after it."""
    giver = shop.signed_in(shop.customer("paul@example.org"))
    fields = {"pour": "cadeau", "recipient_name": "Jeanne", "recipient_email": person.email}
    session_id = order_card(giver, "10", **fields)
    pay(sandbox, session_id, "4000000000007726")  # its refunds are pending
    giver.get(f"/paiement/retour?session_id={session_id}")
    with app.app_context():
        order = db.session.scalars(select(Order)).one()
        db.session.expunge(order)
        code = code_on(app.config["CODE_KEYS"], db.session.scalars(select(PrepaidCard)).one())
        refund(order.id, 333, clock.now())
        stripe_id = db.session.scalars(select(Refund.stripe_refund_id)).one()
    assert (books(app)["voucher_vat"], books(app)["vat_collected"]) == (111, -111)
    client = shop.signed_in(person)
    assert redeem(client, code) == 303
    act(sandbox, f"settle/{stripe_id}", outcome="failed")
    sync(app, order)
    assert (books(app)["voucher_vat"], books(app)["vat_collected"]) == (167, -167)
    token = csrf_of(client, "/films/la-sociale")
    client.post("/films/la-sociale/acheter", data={"csrf_token": token})
    assert books(app) == {
        "stripe_clearing": 1000,
        "stored_value": -100,
        "purchase_sales": -750,
        "voucher_vat": 17,
        "vat_collected": -167,
    }


def test_the_receipt_of_many_cards_says_what_the_books_say(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    """Each card is taxed by itself: 0.83 twenty times, and not 16.67 at once."""
    bought(app, shop.signed_in(person), sandbox, "libre", montant="5", combien="20")
    assert papers(app) == [("sale", 10000, 1660)]
    assert books(app)["vat_collected"] == -1660


def test_a_card_sold_before_vat_was_booked_is_taxed_when_it_is_spent(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    """Its lot knows of no VAT, whatever its card says; so the migration leaves it."""
    shop.credit(person, 2000)
    rent(shop, person, "la-sociale")
    sold = books(app)
    assert (sold["vat_collected"], sold.get("voucher_vat")) == (-58, None)
