"""The letters that bring a receipt and a credit note: the same words twice, the PDF beside them, through real SMTP."""

import pytest
from flask import Flask
from playwright.sync_api import sync_playwright

from store.db import transaction
from store.jobs.enqueue import enqueue
from store.jobs.work import run_next
from tests import browser
from tests.checkout import sales
from tests.checkout.test_giving_a_card import buy
from tests.conftest import both_engines
from tests.postbox import Postbox, words_of
from tests.prepaid_cards.paper import Paper
from tests.shop import Person, Shop


@pytest.fixture
def person(shop: Shop) -> Person:
    return shop.customer()


def do_jobs(app: Flask) -> None:
    with app.app_context():
        while run_next("test", "prompt"):
            pass


def confirm(app: Flask, order_id: int) -> None:
    with app.app_context(), transaction() as session:
        enqueue(session, "checkout.mail_confirmation", {"order_id": order_id})
    do_jobs(app)


def letter(postbox: Postbox) -> tuple[str, str, dict[str, Paper]]:
    """Text, HTML and the PDFs of the only letter that came."""
    [arrived] = postbox.letters
    assert arrived["To"] == "jeanne@example.org"
    papers = {part.get_filename(): Paper(part.get_content()) for part in arrived.iter_attachments()}
    plain, page = (arrived.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert words_of(page) == ["CinéMutins", *plain.split()]
    return " ".join(plain.split()), page, papers


@both_engines
def test_a_sale_brings_its_receipt(app: Flask, shop: Shop, sandbox: str, person: Person, postbox: Postbox) -> None:
    buy(shop.signed_in(person), sandbox, pour="moi", denomination="20")
    do_jobs(app)
    text, page, papers = letter(postbox)
    number = next(iter(papers)).removeprefix("recu-").removesuffix(".pdf")
    assert number.endswith("-000001")
    assert number in postbox.letters[0]["Subject"]
    address = f"http://localhost/compte/recus/{number}"
    assert f'<a href="{address}"' in page
    for said in (
        *(
            f"Reçu {number}",
            "21,00 € de crédit : 1 × 20,00 € = 20,00 €",
            "Total payé : 20,00 €",
            "Bon à usages multiples",
        ),
        *("Crédit reçu : 21,00 €", "Votre crédit maintenant : 21,00 €", address, "Merci"),
    ):
        assert said in text, said
    [paper] = papers.values()
    assert len(paper) == 1
    assert f"Reçu {number}" in paper.text()


@both_engines
def test_a_refund_brings_its_credit_note(app: Flask, person: Person, postbox: Postbox) -> None:
    app.config["CARD_VAT_MODE"] = "single"
    number = sales.sell(app, person)
    note = sales.refund(app, person, 1, 600)
    do_jobs(app)
    text, page, papers = letter(postbox)
    assert note in postbox.letters[0]["Subject"]
    assert f'<a href="http://localhost/compte/recus/{note}"' in page
    for said in (
        f"Avoir {note}",
        "Hors TVA : 5,00 €",
        "TVA 20 % : 1,00 €",
        "Total rendu : 6,00 €",
        f"reçu {number} du",
    ):
        assert said in text, said
    assert list(papers) == [f"avoir-{note}.pdf"]
    assert f"reçu {number} du" in papers[f"avoir-{note}.pdf"].text()


@both_engines
def test_an_order_that_the_release_before_settled_is_confirmed_without(
    app: Flask, person: Person, postbox: Postbox
) -> None:
    sales.sell(app, person, has_receipt=False)
    confirm(app, 1)
    text, _page, papers = letter(postbox)
    assert "Payé : 20,00 €" in text and "Crédit reçu : 21,00 €" in text
    assert papers == {}


def test_mailed_twice_it_is_one_message(app: Flask, person: Person, postbox: Postbox) -> None:
    sales.sell(app, person)
    confirm(app, 1)
    confirm(app, 1)
    first, second = postbox.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert [part.get_content() for part in first.iter_attachments()] == [
        part.get_content() for part in second.iter_attachments()
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_a_phone(app: Flask, person: Person, postbox: Postbox, scheme: str) -> None:
    sales.sell(app, person)
    sales.refund(app, person, 1, 600)
    do_jobs(app)
    _text, page, _papers = letter(postbox)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.require(), args=browser.FLAGS)
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        phone.set_content(page)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        chromium.close()


def test_a_rental_is_confirmed_with_where_its_money_goes(
    app: Flask, shop: Shop, person: Person, postbox: Postbox
) -> None:
    shop.film()
    shop.credit(person, 350)
    entitlement_id = sales.spend(app, person)
    with app.app_context(), transaction() as session:
        enqueue(session, "rentals.mail_granted", {"entitlement_id": entitlement_id})
    do_jobs(app)
    text, _page, _papers = letter(postbox)
    assert f"http://localhost/compte/recus/films/{entitlement_id}" in text
