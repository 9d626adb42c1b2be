"""The film page in a real browser: excerpts play when they are asked for, the list answers at once, and all works without script."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from sqlalchemy import update
from waitress import create_server

from store import create_app
from store.catalogue.models import Film
from store.db import db, transaction
from store.demo.seed import PACKAGED
from store.gateways.media_store import media_store
from tests.browser import FLAGS, require
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.shop import PASSWORD, Shop

SLUG = "la-sociale"
[VERSION] = (PACKAGED / SLUG).iterdir()
VIOLATIONS = """
window.violations = []
addEventListener("securitypolicyviolation", event => violations.push(`${event.violatedDirective}: ${event.blockedURI}`))
"""
SHOWN_TEXT = """() => [...document.querySelector("video").textTracks].filter(track => track.mode === "showing")
    .flatMap(track => [...track.cues ?? []]).map(cue => cue.text).join(" ")"""
FREE = f"/media/libre/{SLUG}/{VERSION.name}"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A shop that listens, with the demo's film in it."""
    port = free_port()
    app = create_app(settings_for(tmp_path, database_url, SHOP_URL=f"http://127.0.0.1:{port}"))
    Shop(app).film(SLUG)
    with app.app_context(), transaction() as session:
        media_store().publish_copy(VERSION, SLUG, VERSION.name)
        session.execute(update(Film).values(recipe=VERSION.name, trailer=["en", "fr"]))
    server = create_server(app, host="127.0.0.1", port=port, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield app
    server.close()
    thread.join(timeout=10)
    with app.app_context():
        db.engine.dispose()


class Visit:
    """A visitor on a page of the shop."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(urlsplit(request.url).path))
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self) -> None:
        self.go("/connexion")
        self.page.locator("[name=email]").fill("jeanne@example.org")
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("main button").click()
        self.page.wait_for_url("**/compte")

    def until_it_plays(self) -> None:
        self.page.wait_for_function("() => document.querySelector('video')?.currentTime > 0.2")

    def media(self) -> list[str]:
        return [path for path in self.asked if path.startswith("/media/")]


@pytest.fixture
def visit(app: Flask) -> Iterator[Callable[..., AbstractContextManager[Visit]]]:
    """Opens a browser. The shop is filled before it opens: its event loop is in the way of that."""
    Shop(app).customer()

    @contextmanager
    def open_browser(**settings: object) -> Iterator[Visit]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
            context: BrowserContext = browser.new_context(**settings)  # type: ignore[arg-type]  # `settings` is what it takes
            context.set_default_timeout(15_000)
            context.add_init_script(VIOLATIONS)
            yield Visit(context.new_page(), app.config["SHOP_URL"])
            browser.close()

    yield open_browser


def test_excerpts_play_where_one_is_and_not_before_one_asks(visit) -> None:
    with visit(locale="fr-FR") as visitor:
        page = visitor.page
        visitor.go(f"/films/{SLUG}")
        assert visitor.media() == [] and not [path for path in visitor.asked if "hls" in path or "excerpt" in path]
        page.get_by_role("link", name="Tester la lecture").click()
        visitor.until_it_plays()
        assert page.evaluate("() => document.activeElement.tagName") == "VIDEO"
        page.get_by_label("Sous-titres").select_option(label="Français")
        page.wait_for_function(f"() => ({SHOWN_TEXT})().includes('copie de démonstration')")
        assert {path.rpartition("/test/")[0] for path in visitor.media()} == {FREE}
        page.get_by_role("link", name="Bande-annonce").click()
        visitor.until_it_plays()
        assert page.locator("video").count() == 1
        page.evaluate("() => { document.querySelector('video').textTracks[1].mode = 'showing' }")
        page.wait_for_function(f"() => ({SHOWN_TEXT})().includes('copie de démonstration')")
        results = Axe().run(page)
        assert results.response["violations"] == [], results.generate_report()
        assert (visitor.complaints, page.evaluate("() => violations")) == ([], [])


def test_a_clip_that_does_not_come_says_what_to_do(visit, app: Flask) -> None:
    with app.app_context():
        media_store().delete(SLUG, VERSION.name)
    with visit() as visitor:
        visitor.go(f"/films/{SLUG}")
        visitor.page.get_by_role("link", name="Tester la lecture").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("rien n’a été débité")


def test_without_script_excerpts_and_ways_to_share_are_there(visit) -> None:
    with visit(java_script_enabled=False) as visitor:
        page = visitor.page
        visitor.go(f"/films/{SLUG}")
        page.locator("summary", has_text="Partager").click()
        expect(page.locator(".film-address")).to_be_visible()
        assert (page.get_by_role("link", name="Par e-mail").get_attribute("href") or "").startswith(
            "mailto:?subject=La%20"
        )
        assert page.locator("[data-copy]").is_hidden() and page.locator("[data-send]").is_hidden()
        page.get_by_role("link", name="Bande-annonce").click()
        trailer = page.locator("#bande-annonce video")
        assert trailer.get_attribute("src") == f"{FREE}/trailer.mp4"
        assert page.request.get(f"{visitor.address}{FREE}/trailer.mp4").ok
        assert page.request.get(f"{visitor.address}{FREE}/trailer.fr.vtt").ok
        expect(page.locator("#essai video source")).to_have_attribute("src", f"{FREE}/test/index.m3u8")


def test_the_address_is_copied(visit) -> None:
    with visit(permissions=["clipboard-read", "clipboard-write"]) as visitor:
        visitor.go(f"/films/{SLUG}")
        visitor.page.locator("summary", has_text="Partager").click()
        visitor.page.get_by_role("button", name="Copier l’adresse").click()
        expect(visitor.page.get_by_role("status")).to_have_text("Copiée.")
        assert visitor.page.evaluate("() => navigator.clipboard.readText()") == f"{visitor.address}/films/{SLUG}"


@pytest.mark.parametrize("with_script", [True, False])
def test_a_film_is_kept_for_later_with_script_and_without(visit, with_script: bool) -> None:
    with visit(java_script_enabled=with_script) as visitor:
        page = visitor.page
        visitor.sign_in()
        for label, pressed, count in (("À voir plus tard", "true", 1), ("Dans ma liste", "false", 0)):
            visitor.go(f"/films/{SLUG}")
            with page.expect_response("**/liste") as answer:
                page.get_by_role("button", name=label).click()
            assert answer.value.status == (204 if with_script else 303)
            expect(page.locator("[data-list] button")).to_have_attribute("aria-pressed", pressed)
            visitor.go("/compte/liste")
            assert page.locator(".film-line").count() == count
        assert visitor.complaints == []


def test_what_the_shop_does_not_take_is_shown_as_it_was(visit) -> None:
    """Shown at once, taken back when the shop did not hear of it."""
    with visit() as visitor:
        page = visitor.page
        visitor.sign_in()
        visitor.go(f"/films/{SLUG}")
        page.route("**/liste", lambda route: route.abort())
        page.get_by_role("button", name="À voir plus tard").click()
        button = page.locator("[data-list] button")
        expect(button).to_have_attribute("aria-pressed", "false")
        page.unroute("**/liste")
        page.context.clear_cookies()
        button.click()
        expect(page.get_by_role("link", name="À voir plus tard")).to_be_visible()
        visitor.sign_in()
        visitor.go("/compte/liste")
        assert page.locator(".film-line").count() == 0
