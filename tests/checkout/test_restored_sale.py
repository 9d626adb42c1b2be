"""A refund that had arrived and then failed: its credit note is taken back by a receipt that says what it is."""

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout.models import Order, Receipt, Refund
from store.checkout.own import papers_of
from store.checkout.receipts import describe, issue_restored_sale
from store.db import db, transaction
from tests.checkout import sales
from tests.checkout.purchases import bought
from tests.checkout.stripe_side import act
from tests.checkout.test_giving_a_card import letters
from tests.checkout.test_receipt_pages import words
from tests.checkout.test_refund import pay_back, sync
from tests.conftest import both_engines
from tests.prepaid_cards.paper import Paper
from tests.shop import Person, Shop

pytestmark = both_engines


@pytest.fixture
def person(shop: Shop) -> Person:
    return shop.customer()


def fail_refund(app: Flask, sandbox: str, order: Order) -> None:
    with app.app_context():
        stripe_id = db.session.scalars(select(Refund.stripe_refund_id)).one()
    act(sandbox, f"settle/{stripe_id}", outcome="failed")
    sync(app, order)


def numbers(app: Flask) -> list[str]:
    with app.app_context():
        return [one.shown_number for one in db.session.scalars(select(Receipt).order_by(Receipt.id))]


def test_it_reads_like_what_it_is(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    order = bought(app, client, sandbox)
    assert pay_back(app, order, 1200) == "succeeded"
    fail_refund(app, sandbox, order)
    sale, note, restored = numbers(app)
    page = client.get(f"/compte/recus/{restored}").text
    paper = Paper(client.get(f"/compte/recus/{restored}.pdf").data).text()
    for said in (f"Reçu {restored}", "de nouveau vendue", f"avoir {note} du", "n’a pas abouti", "12,00 €"):
        assert said in words(page).replace("\xa0", " ") and said in paper, said
    assert f'href="/compte/recus/{note}"' in page and "en un paiement" not in page
    for number in (sale, note):
        text = client.get(f"/compte/recus/{number}").text
        assert f'href="/compte/recus/{restored}"' in text and "Annulé le" in text, number
    listed = words(client.get("/compte/recus").text)
    assert "Avoir annulé" in listed and f"reçu {restored}" in listed
    told = [text for text in letters(app, person.email) if restored in text]
    assert len(told) == 1 and "l’a renvoyé" in told[0] and "21,00\xa0€" in told[0]
    [mail] = Path(app.config["MAIL_URL"].removeprefix("file:")).glob(f"*restored-sale-{restored}*.eml")
    assert f"recu-{restored}.pdf" in mail.read_text()


def test_the_order_keeps_the_number_of_its_sale(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    order = bought(app, client, sandbox)
    pay_back(app, order)
    fail_refund(app, sandbox, order)
    sale, *_ = numbers(app)
    with app.app_context():
        assert describe(db.session, [f"order:{order.id}"], person.id) == {f"order:{order.id}": sale}
    assert re.findall(r'href="/compte/recus/([0-9-]+)"', client.get("/compte/credit").text).count(sale)


def test_an_order_of_before_stays_listed_beside_it(app: Flask, person: Person) -> None:
    """It was confirmed without a receipt, and a receipt that takes its credit note back is none for its sale."""
    order_id = sales.order(app, person)
    sales.pay(app, person, order_id, has_receipt=False)
    sales.refund(app, person, order_id, 500)
    with app.app_context():
        with transaction() as session:
            issue_restored_sale(session, refund_reference="refund:1", at=clock.now())
        assert [paper.sort for paper in papers_of(db.session, person.id)] == ["receipt", "receipt", "order"]
        assert describe(db.session, [f"order:{order_id}"], person.id) == {}
