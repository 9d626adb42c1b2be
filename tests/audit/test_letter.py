"""The letter about alerts: to everybody who works here, once, the same words twice, through real SMTP."""

import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from playwright.sync_api import sync_playwright

from store import clock
from store.audit.alert import mark_seen, raise_alert
from store.audit.jobs import announce, mail_alerts
from store.customers.roles import revoke
from store.db import transaction
from store.jobs.work import run_next
from tests import browser
from tests.conftest import both_engines
from tests.prepaid_cards.test_gift_letter import CONTRASTS, Postbox, words_of
from tests.shop import Shop

SESSION = "cs_test_" + "a1B2c3D4" * 7
MISMATCH = {"session": SESSION, "order": "o_1", "amount": 1999, "currency": "usd", "expected": 2000}


class PickyPostbox(Postbox):
    """Puts some addresses off, as a busy server does."""

    refused: set[str] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.refused:
            return "451 4.2.1 the mailbox of that name is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def postbox(app: Flask) -> Iterator[PickyPostbox]:
    """A mail server that the shop sends by."""
    box = PickyPostbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield box
    server.stop()


def tell(app: Flask, kind: str, key: str = "1", **facts: Any) -> None:
    with app.app_context(), transaction() as session:
        raise_alert(session, kind, f"{kind}:{key}", facts, clock.now())


def work(app: Flask) -> None:
    """What the worker does in its minute."""
    with app.app_context():
        announce()
        while run_next("test", "prompt"):
            pass


def text_of(letter: EmailMessage) -> str:
    return letter.get_body(("plain",)).get_content()


@both_engines
def test_one_letter_to_each_about_all_that_is_new(app: Flask, shop: Shop, postbox: PickyPostbox) -> None:
    shop.customer()
    shop.staff("a@example.org")
    shop.staff("b@example.org")
    tell(app, "payment_mismatch", **MISMATCH)
    tell(app, "dispute_won", dispute="du_1")
    for _ in range(2):
        work(app)
    assert [letter["To"] for letter in postbox.letters] == ["a@example.org", "b@example.org"]
    assert len({letter["Message-ID"] for letter in postbox.letters}) == 2
    [first, second] = map(text_of, postbox.letters)
    assert first == second
    for words in (
        "Un paiement ne correspond pas",
        "19,99\u00a0$US",
        "20,00\u00a0€",
        SESSION,
        "Une contestation est gagnée",
    ):
        assert words in first
    assert "http://localhost/equipe/alertes" in first.splitlines()
    assert postbox.letters[0]["Subject"] == "2 alertes\u00a0: Un paiement ne correspond pas à sa commande…"
    tell(app, "refund_failed", refund="re_1")
    work(app)
    assert [letter["Subject"] for letter in postbox.letters[2:]] == [
        "Alerte\u00a0: Un remboursement n’est pas arrivé"
    ] * 2
    assert "3 alertes sont ouvertes" in text_of(postbox.letters[2])


def test_one_address_holds_up_no_other(app: Flask, shop: Shop, postbox: PickyPostbox) -> None:
    for name in ("a", "b", "c"):
        shop.staff(f"{name}@example.org")
    postbox.refused = {"a@example.org"}
    tell(app, "dispute_won", dispute="du_1")
    work(app)
    assert [letter["To"] for letter in postbox.letters] == ["b@example.org", "c@example.org"]
    postbox.refused = set()
    app.test_cli_runner().invoke(args=["jobs", "retry"])
    work(app)
    assert [letter["To"] for letter in postbox.letters] == ["b@example.org", "c@example.org", "a@example.org"]


def test_without_staff_alerts_wait_for_the_first(app: Flask, shop: Shop, postbox: PickyPostbox) -> None:
    shop.customer()
    tell(app, "dispute_won", dispute="du_1")
    work(app)
    assert postbox.letters == []
    shop.staff()
    work(app)
    assert len(postbox.letters) == 1


def test_what_was_seen_and_who_left_get_no_letter(app: Flask, shop: Shop, postbox: PickyPostbox) -> None:
    stays, leaves = shop.staff("a@example.org"), shop.staff("b@example.org")
    tell(app, "dispute_won", dispute="du_1")
    tell(app, "dispute_lost", dispute="du_2")
    with app.app_context():
        with transaction() as session:
            mark_seen(session, 1, stays.id, clock.now())
            revoke(session, leaves.email, by=None, at=clock.now())
        for person in (stays, leaves):
            mail_alerts(person.id, [1, 2])
            mail_alerts(person.id, [1])
    [letter] = postbox.letters
    assert letter["To"] == stays.email
    assert "perdue" in text_of(letter) and "gagnée" not in text_of(letter)


def test_a_flood_is_one_letter(app: Flask, shop: Shop, postbox: PickyPostbox) -> None:
    shop.staff()
    for number in range(45):
        tell(app, "refund_failed", key=str(number), refund=f"re_{number}")
    work(app)
    [letter] = postbox.letters
    assert text_of(letter).count("re_") == 20
    assert "45 alertes sont ouvertes" in text_of(letter)


@pytest.fixture
def letter(app: Flask, shop: Shop, postbox: PickyPostbox) -> EmailMessage:
    """A letter about what is long, odd and hostile."""
    shop.staff()
    tell(app, "payment_mismatch", **MISMATCH)
    tell(app, "reconcile_differences", count=2, first=["o_1: <b>paid</b> & open", "o_2: refunded"])
    tell(app, "unheard_of", what="x")
    work(app)
    return postbox.letters[0]


def test_text_and_html_say_the_same(letter: EmailMessage) -> None:
    page, address = letter.get_body(("html",)).get_content(), "http://localhost/equipe/alertes"
    assert f'<a href="{address}"' in page
    assert words_of(page) == ["CinéMutins", *text_of(letter).replace(address, "").split()]
    assert "<b>paid</b> & open\no_2" in text_of(letter)
    assert "&lt;b&gt;paid" in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_a_phone(letter: EmailMessage, scheme: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.require(), args=browser.FLAGS)
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        phone.set_content(letter.get_body(("html",)).get_content())
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        assert phone.locator("a").bounding_box()["height"] >= 44
        ratios = phone.evaluate(CONTRASTS)
        chromium.close()
    assert min(ratios) >= 4.5
