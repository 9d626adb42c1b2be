"""Several devices of one account, in real browsers: one too many is refused and can be helped, a refund stops the picture."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import update
from waitress import create_server

from store import create_app
from store.catalogue.models import Film
from store.db import db, transaction
from store.demo.seed import PACKAGED
from store.gateways.media_store import media_store
from store.playback.models import Lease
from tests.browser import FLAGS, require
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.playback.theatre import SLUG, holder, revoke
from tests.shop import PASSWORD, Shop

PATIENCE_MS = 60_000
PLAYS = "() => { const video = document.querySelector('video'); return video.currentTime > 0.2 && !video.paused }"


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Browser]]:
    """A shop that listens, in which Jeanne bought a film, and a browser."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "shop.sqlite").write_bytes(sqlite_template.read_bytes())
    port = free_port()
    app = create_app(settings_for(folder, f"sqlite:///{folder / 'shop.sqlite'}", SHOP_URL=f"http://127.0.0.1:{port}"))
    fill(app)
    server = create_server(app, host="127.0.0.1", port=port, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
        yield app, browser
        browser.close()
    server.close()
    thread.join(timeout=10)
    with app.app_context():
        db.engine.dispose()


def fill(app: Flask) -> None:
    holder(app, Shop(app), "purchase")
    [package] = (PACKAGED / SLUG).iterdir()
    with app.app_context():
        media_store().publish_copy(package, SLUG, package.name)
        with transaction() as session:
            session.execute(update(Film).values(recipe=package.name))


@pytest.fixture
def pages(house: tuple[Flask, Browser]) -> Iterator[list[Page]]:
    """The player's page on three devices, each signed in by itself."""
    app, browser = house
    with ExitStack() as stack:
        contexts = [stack.enter_context(browser.new_context()) for _ in range(3)]
        yield [seat(context.new_page(), app.config["SHOP_URL"]) for context in contexts]


def seat(page: Page, address: str) -> Page:
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/connexion?next=/films/{SLUG}/voir")
    page.get_by_label("Adresse e-mail").fill("jeanne@example.org")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Se connecter").click()
    return page


def empty_the_house(app: Flask) -> None:
    """The devices of the test before have left."""
    with app.app_context(), transaction() as session:
        session.execute(update(Lease).values(ended_at=Lease.seen_at))


def aside(task: Callable[[], None]) -> None:
    """Do something in the shop: not in this thread, where the browser's event loop would be in the way."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(task).result()


def press_play(page: Page) -> None:
    page.locator("[data-play]").click()


def message(page: Page, name: str):
    return page.locator(f"[data-message={name}]")


def test_one_device_too_many_stops_another(house: tuple[Flask, Browser], pages: list[Page]) -> None:
    living_room, bedroom, phone = pages
    for page in (living_room, bedroom):
        press_play(page)
        page.wait_for_function(PLAYS)
    press_play(phone)
    refusal = message(phone, "streams")
    expect(refusal).to_be_visible(timeout=PATIENCE_MS)
    expect(refusal.get_by_role("listitem")).to_have_count(2)
    expect(refusal).to_contain_text("La Sociale, sur Chrome, Linux, depuis")
    refusal.get_by_role("button", name="Arrêter").first.click()
    phone.wait_for_function(PLAYS)
    expect(refusal).to_be_hidden()
    expect(message(living_room, "ended")).to_be_visible(timeout=PATIENCE_MS)
    assert bedroom.evaluate(PLAYS)


def test_a_refund_stops_the_picture(house: tuple[Flask, Browser], pages: list[Page]) -> None:
    app, _ = house
    page = pages[0]
    aside(lambda: empty_the_house(app))
    press_play(page)
    page.wait_for_function(PLAYS)
    aside(lambda: revoke(app))
    expect(message(page, "revoked")).to_be_visible(timeout=PATIENCE_MS)
    assert not page.evaluate(
        "() => document.querySelector('video').currentSrc && !document.querySelector('video').paused"
    )
