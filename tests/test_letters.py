"""Every letter is in the language of who reads it: its subject, its text, its HTML, the papers beside it, and where its links lead."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from store import clock
from store.audit.alert import raise_alert
from store.checkout.models import Receipt
from store.checkout.receipts import issue_restored_sale
from store.checkout.withdraw import withdraw
from store.customers.language import choose_language
from store.customers.models import Customer
from store.db import db, transaction
from store.jobs.enqueue import REGISTRY
from store.language import LANGUAGES, SITES
from store.ledger.models import Lot
from store.prepaid_cards.gifts import GiftWish
from store.privacy import letters
from store.privacy.models import Erasure
from store.rentals.models import Entitlement
from tests.checkout import sales
from tests.languages import foreign_words, spoken
from tests.postbox import Postbox, words_of
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.paper import Paper
from tests.shop import Person, Shop

Payload = dict[str, Any]


@pytest.fixture(params=LANGUAGES)
def code(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def reader(app: Flask, shop: Shop, code: str) -> Person:
    """A customer, and a member of the staff, who is written to in this language."""
    app.config.update(SHOP_NAME="Zorn", SHOP_PUBLISHER="Zorn")
    person = shop.staff("zorn@zorn.example", credit=350)
    with app.app_context(), transaction() as session:
        choose_language(session, person.id, code)
    return person


@pytest.fixture
def payloads(app: Flask, shop: Shop, reader: Person) -> dict[str, Payload]:
    """For each job that writes, something to write about."""
    shop.film("zorn")
    sales.sell(app, reader)
    entitlement = {"entitlement_id": sales.spend(app, reader, "zorn")}
    with app.app_context():
        at = clock.now()
    shop.credit(reader, 0, bonus=100, bonus_expires_at=at + timedelta(days=3))
    with app.app_context():
        gift = GiftWish("email", "Zorn", "zorn@zorn.example", "Zorn!", clock.today())
        Counter(app).card(reader, gift=gift)
        with transaction() as session:
            card = sales.card_of(session, session.get_one(sales.Order, 1))
            session.execute(update(Customer).values(confirmed_at=None))
            session.execute(update(Entitlement).values(begun_at=at, ends_at=at, consent_version="1"))
            withdraw(session, reader.id, card.id, at)
            raise_alert(session, "payment_mismatch", "x", {"amount": 100}, at)
        sales.refund(app, reader, 1, 500)
        with transaction() as session:
            restored_id = issue_restored_sale(session, refund_reference="refund:1", at=at)
        note_id = db.session.scalars(select(Receipt.id).where(Receipt.series == "credit_note")).one()
        lot_id = db.session.scalars(
            select(Lot.id).where(Lot.kind == "bonus", Lot.remaining > 0, Lot.expires_at < at + timedelta(days=4))
        ).one()
    return {
        **{f"checkout.mail_{about}": {"order_id": 1} for about in ("confirmation", "failed", "film_missed")},
        **{f"checkout.mail_{about}": {"refund_id": 1} for about in ("withdrawal", "refund_failed")},
        "checkout.mail_credit_note": {"receipt_id": note_id},
        "checkout.mail_restored_sale": {"receipt_id": restored_id},
        "checkout.mail_film_refunded": entitlement | {"cents": 350},
        **{f"rentals.mail_{about}": entitlement for about in ("granted", "begun")},
        "prepaid_cards.mail_reminder": {"wallet_id": reader.wallet_id, "lot_ids": [lot_id], "days": 3},
        "prepaid_cards.deliver_gifts": {},
        **{
            f"customers.mail_{about}": {"customer_id": reader.id, "onward": "/films/zorn"}
            for about in ("reset", "confirm")
        },
        "customers.mail_new_address": {"customer_id": reader.id, "to": "zorn@söhne.example"},
        "customers.mail_address_changed": {"customer_id": reader.id, "to": "zorn@zorn.example"},
        "customers.mail_changed": {"customer_id": reader.id, "what": "passkey"},
        "customers.mail_new_device": {"customer_id": reader.id, "device": "Firefox, Linux", "at": at.isoformat()},
        "audit.mail_alerts": {"customer_id": reader.id, "alert_ids": [1]},
        "privacy.farewell": {"customer_id": reader.id},
    }


def say_farewell(customer_id: int) -> None:
    """The letter of `privacy.erase`, without what that job erases."""
    with transaction() as session:
        session.add(Erasure(customer_id=customer_id, asked_at=clock.now()))
    letters.say_farewell(customer_id)


OTHER_LETTERS: dict[str, Callable[..., None]] = {"privacy.farewell": say_farewell}
"""Those that are no job of their own."""


@pytest.fixture
def letter(app: Flask, postbox: Postbox) -> Callable[[str, Payload], EmailMessage]:
    """`letter(job, payload)` does the job and returns what came by mail."""

    def letter(job: str, payload: Payload) -> EmailMessage:
        with app.app_context():
            (OTHER_LETTERS.get(job) or REGISTRY[job].handler)(**payload)
        [arrived] = postbox.letters
        postbox.letters.clear()
        return arrived

    return letter


def said_in(letter: EmailMessage) -> str:
    plain, page = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    papers = [Paper(part.get_content()).text() for part in letter.iter_attachments()]
    return "\n".join((letter["Subject"], plain, spoken(page), *papers))


def test_letters_speak_the_language_of_their_reader(
    payloads: dict[str, Payload], letter: Callable[..., EmailMessage], code: str
) -> None:
    assert payloads.keys() >= {name for name in REGISTRY if "mail" in name}, "give this test something to write about"
    for name, payload in payloads.items():
        arrived = letter(name, payload)
        assert foreign_words(said_in(arrived), code) == set(), name
        page = arrived.get_body(("html",)).get_content()
        assert f'<html lang="{code}">' in page
        for path in re.findall(r"http://localhost(/[^\s\"<)]*)", page + arrived.get_body(("plain",)).get_content()):
            assert path.startswith(f"{SITES['en']}/") == (code == "en"), (name, path)


def test_text_and_html_say_the_same_words(payloads: dict[str, Payload], letter: Callable[..., EmailMessage]) -> None:
    """In the same order: each once, but for addresses, which HTML may hide behind a button."""
    for name, payload in payloads.items():
        arrived = letter(name, payload)
        plain, page = (arrived.get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert words_of(page)[0] == "Zorn", name
        assert readable(words_of(page)[1:]) == readable(plain.split()), name


def readable(words: list[str]) -> list[str]:
    """Without addresses and the marks of a quotation."""
    return [word for word in words if not word.startswith("http://localhost") and word != ">"]


def test_every_letter_says_what_it_is_and_suits_the_night(
    payloads: dict[str, Payload], letter: Callable[..., EmailMessage]
) -> None:
    for name, payload in payloads.items():
        arrived = letter(name, payload)
        assert arrived["Auto-Submitted"] == "auto-generated", name
        assert re.fullmatch(r"<[\w.-]+@localhost>", arrived["Message-ID"]), name
        assert arrived["Date"] and arrived["From"], name
        assert bool(arrived["List-Unsubscribe"]) == (name == "prepaid_cards.mail_reminder"), name
        page = arrived.get_body(("html",)).get_content()
        assert '<meta name="color-scheme" content="light dark">' in page and "prefers-color-scheme:dark" in page, name
        assert not re.search(
            r'(src|href)="(?!http://localhost/|cid:)', page.replace("https://stripe.com/privacy", "")
        ), name


def test_sums_and_days_are_written_as_the_language_writes_them(
    payloads: dict[str, Payload], letter: Callable[..., EmailMessage], code: str
) -> None:
    said = said_in(letter("checkout.mail_confirmation", payloads["checkout.mail_confirmation"])).replace("\u00a0", " ")
    assert {"fr": "20,00 €", "en": "€20.00"}[code] in said
    assert {"fr": "€20.00", "en": "20,00 €"}[code] not in said
