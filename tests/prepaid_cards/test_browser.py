"""In a real browser: the code behind `#` goes into the box, out of the address, and is never sent but in the form; a gift that
was filled in survives signing up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from waitress import create_server

from store import create_app
from store.db import db
from tests.browser import FLAGS, require
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.prepaid_cards.counter import Counter
from tests.shop import PASSWORD, Shop

USE, LEFT = "/cartes/activer", "/cartes/solde"
BOX = "Code de la carte"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A shop that listens."""
    port = free_port()
    app = create_app(settings_for(tmp_path, database_url, SHOP_URL=f"http://127.0.0.1:{port}"))
    server = create_server(app, host="127.0.0.1", port=port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield app
    server.close()
    thread.join(timeout=10)
    with app.app_context():
        db.engine.dispose()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of the system's. The shop is filled before it opens: its event loop is in the way of that."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
        yield browser
        browser.close()


def test_from_the_link_through_signing_in_to_the_credit(app: Flask) -> None:
    shop = Shop(app)
    code = Counter(app).card(shop.customer("acheteuse@example.org"))
    person = shop.customer()
    with chromium() as browser:
        page = browser.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url + str(request.headers)))
        page.on("console", lambda message: complaints.append(message.text))
        look_at_what_is_left(page, f"{app.config['SHOP_URL']}{LEFT}", code)
        use(page, f"{app.config['SHOP_URL']}{USE}", code, person.email)
    assert shop.credit_of(person) == 2100
    assert complaints == []
    assert not [request for request in asked if code[:5].lower() in request.lower()]


def look_at_what_is_left(page: Page, address: str, code: str) -> None:
    page.goto(f"{address}#{code.lower()}")
    expect(page.get_by_label(BOX)).to_have_value(code)
    assert page.url == address
    page.get_by_role("button", name="Voir ce qu’il reste").click()
    expect(page.get_by_role("status")).to_contain_text("21,00")


def use(page: Page, address: str, code: str, email: str) -> None:
    page.goto(f"{address}#{code}")
    expect(page.get_by_label(BOX)).to_have_value(code)
    page.get_by_role("button", name="Ajouter le crédit").click()
    page.get_by_label("Adresse e-mail").fill(email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Se connecter").click()
    expect(page.get_by_label(BOX)).to_have_value(code)
    page.get_by_role("button", name="Ajouter le crédit").click()
    expect(page.get_by_role("status")).to_contain_text("21,00")


def test_another_link_in_the_same_window_and_other_anchors(app: Flask) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{app.config['SHOP_URL']}{USE}#main")
        expect(page.get_by_label(BOX)).to_have_value("")
        assert page.url.endswith("#main")
        page.evaluate("location.hash = 'ABCDE-FGHJK-MNPQR-STVWX'")
        expect(page.get_by_label(BOX)).to_have_value("ABCDE-FGHJK-MNPQR-STVWX")
        assert "#" not in page.url


def test_without_script_one_types_the_code(app: Flask) -> None:
    code = Counter(app).card(Shop(app).customer())
    with chromium() as browser:
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(f"{app.config['SHOP_URL']}{LEFT}#{code}")
        expect(page.get_by_label(BOX)).to_have_value("")
        page.get_by_label(BOX).fill(code)
        page.get_by_role("button", name="Voir ce qu’il reste").click()
        expect(page.get_by_role("status")).to_contain_text("21,00")


def test_a_gift_that_was_filled_in_survives_signing_up_without_script(app: Flask) -> None:
    day = (date.today() + timedelta(days=30)).isoformat()
    written = {"Son nom": "Éloïse", "Son adresse e-mail": "eloise@example.org", "Un message": "Bon film !\nÀ bientôt."}
    with chromium() as browser:
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(f"{app.config['SHOP_URL']}/cartes#offrir")
        page.get_by_label("un cadeau").check()
        page.get_by_label("une autre somme", exact=True).check()
        page.get_by_label("Une autre somme, de").fill("37,50")
        for label, text in written.items():
            page.get_by_label(label).fill(text)
        page.get_by_label("Quel jour").fill(day)
        page.locator(".card-form").get_by_role("button").click()
        page.get_by_role("link", name="S’inscrire en vingt").click()
        page.get_by_label("Nom").fill("Jeanne")
        page.get_by_label("Adresse e-mail").fill("jeanne@example.org")
        page.get_by_label("Mot de passe").fill(PASSWORD)
        page.locator("main").get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("encore là")
        for label, text in {**written, "Une autre somme, de": "37,50", "Quel jour": day}.items():
            expect(page.get_by_label(label)).to_have_value(text)
        for label in ("un cadeau", "une autre somme", "par e-mail"):
            expect(page.get_by_role("radio", name=label)).to_be_checked()
        assert not [text for text in ("Éloïse", "eloise", "37,50") if text in unquote(page.url)]
