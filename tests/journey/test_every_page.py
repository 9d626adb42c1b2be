"""Every page kind, seen with a browser: axe finds nothing, nothing is wider than its screen, nothing small to touch, nothing that the policy refuses.

Four screens show each theme with each language, and each width with each. Who sets EVERY_SCREEN wants all of them, and
photographs with JOURNEY_PICTURES.
"""

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from store.language import ENGLISH, FRENCH, LANGUAGES, SITES
from tests.journey.watch import OURS, asked_elsewhere, cookies_of

NARROWEST, WIDEST = 320, 2560
SCREENS = (
    [*product(("light", "dark"), (390, 1280), LANGUAGES)]
    if os.environ.get("EVERY_SCREEN")
    else [("light", 390, FRENCH), ("dark", 1280, FRENCH), ("light", 1280, ENGLISH), ("dark", 390, ENGLISH)]
)

OPEN_TO_ALL = [
    "/",
    "/films",
    "/films?theme=travail",
    "/films?theme=inconnu",
    "/films/la-sociale",
    "/collections",
    "/collections/gilles-perret",
    "/personnes/gilles-perret",
    "/recherche?q=sociale",
    "/recherche?q=glaneuze",
    "/recherche?q=zzzz",
    "/cartes",
    "/cartes/solde",
    "/preuve",
    "/conditions",
    "/mentions-legales",
    "/confidentialite",
    "/accessibilite",
    "/aide",
    "/contact",
    "/connexion",
    "/inscription",
    "/nulle-part",
]
OF_ONE_S_OWN = [
    "/films/la-sociale",
    "/films/la-sociale/payer",
    "/cartes",
    "/cartes/activer",
    "/compte",
    "/compte/credit",
    "/compte/films",
    "/compte/cartes",
    "/compte/recus",
    "/compte/donnees",
    "/compte/donnees/effacer",
    "/compte/donnees/effacer/confirmer",
]
OF_STAFF = ["/equipe/alertes", "/equipe/courriels", "/equipe/courriels/gift"]
WITHOUT_A_FORM = OPEN_TO_ALL[: OPEN_TO_ALL.index("/cartes")] + ["/preuve", "/conditions", "/aide", "/contact"]

TOO_SMALL_TO_TOUCH = """() => [...document.querySelectorAll("a, button, input, select, summary")].filter(one => {
  const { width, height } = one.getBoundingClientRect()
  const isInASentence = getComputedStyle(one).display === "inline" || one.closest("p, td, label")
  return width && height > 1 && height < 44 && !isInASentence && !one.labels?.length
}).map(one => one.outerHTML.slice(0, 200))"""
IS_WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Visit:
    """Somebody opens one page after another; what is wrong with them gathers in `faults`."""

    def __init__(self, page: Page, site: str, width: int, pictures: Path) -> None:
        self.page, self.faults = page, list[str]()
        self._site, self._width, self._pictures = site, width, pictures
        page.on("console", self._listen)
        self.elsewhere = asked_elsewhere(page, f"{urlsplit(site).scheme}://{urlsplit(site).netloc}")

    def sign_in(self, who: str) -> None:
        self.open("/connexion")
        self.page.fill("[name=email]", f"{who}@example.org")
        self.page.fill("[name=password]", "demo-demo-demo")
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url("**/compte*")

    def open(self, path: str) -> None:
        self.page.goto(self._site + path)

    def look_at(self, path: str, name: str) -> None:
        self.open(path)
        violations = Axe().run(self.page).response["violations"]
        self.faults += [f"{path}: {found['id']}: {found['nodes'][0]['html']}" for found in violations]
        self.faults += [f"{path}: small: {element}" for element in self.page.evaluate(TOO_SMALL_TO_TOUCH)]
        for width in (NARROWEST, WIDEST, self._width):
            self.page.set_viewport_size({"width": width, "height": 900})
            self.faults += [f"{path} is wider than {width}"] if self.page.evaluate(IS_WIDER) else []
        if os.environ.get("JOURNEY_PICTURES"):
            shown = path.strip("/").replace("/", "-").replace("?", "-") or "home"
            self.page.screenshot(path=self._pictures / f"every-{name}-{shown}.png", full_page=True)

    def _listen(self, message) -> None:
        if message.type == "error" and "404 (NOT FOUND)" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")


@pytest.fixture(params=SCREENS, ids=lambda screen: "-".join(map(str, screen)))
def visit(request: pytest.FixtureRequest, browser: Browser, demo: str, pictures: Path) -> Iterator[Visit]:
    """A new visitor's window."""
    scheme, width, language = request.param
    viewport = {"width": width, "height": 900}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    yield Visit(context.new_page(), demo + SITES[language], width, pictures)
    context.close()


def test_nothing_is_wrong_with_the_pages_that_are_open_to_all(visit: Visit, request: pytest.FixtureRequest) -> None:
    for path in OPEN_TO_ALL:
        visit.look_at(path, request.node.callspec.id)
    assert visit.faults == []
    assert visit.elsewhere == [], "a page asked another host"
    assert cookies_of(visit.page.context) <= OURS


def test_nothing_is_wrong_with_the_pages_of_an_account(visit: Visit, request: pytest.FixtureRequest) -> None:
    visit.sign_in("spectateur")
    for path in OF_ONE_S_OWN:
        visit.look_at(path, request.node.callspec.id)
    assert visit.faults == []
    assert visit.elsewhere == [], "a page asked another host"
    assert cookies_of(visit.page.context) <= OURS


def test_nothing_is_wrong_with_the_pages_of_the_desk(visit: Visit, request: pytest.FixtureRequest) -> None:
    visit.sign_in("equipe")
    for path in OF_STAFF:
        visit.look_at(path, request.node.callspec.id)
    assert visit.faults == []
    assert visit.elsewhere == [], "a page asked another host"


def test_who_only_looks_keeps_no_cookie(browser: Browser, demo: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        for path in WITHOUT_A_FORM:
            page.goto(demo + path)
            assert cookies_of(context) == set(), path
            assert page.evaluate("localStorage.length + sessionStorage.length") == 0, path
        page.goto(f"{demo}/connexion")
        assert cookies_of(context) == {"session"}


def test_a_request_to_another_host_is_seen(browser: Browser, demo: str) -> None:
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        found = asked_elsewhere(page, demo)
        page.goto(demo)
        page.evaluate("fetch('http://127.0.0.1:9/x').catch(() => {})")
        assert found == ["http://127.0.0.1:9/x"]
