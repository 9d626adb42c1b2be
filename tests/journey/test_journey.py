"""A stranger buys a card, rents a documentary, watches it, and sees what credit remains.

Two screens are enough to see that it works. Who sets JOURNEY_PICTURES wants to see how it looks, and gets all four.
"""

import os
import re
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journey.watch import OURS, asked_elsewhere, cookies_of

TIMEOUT_MS = 20_000

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
SCREENS = {
    f"{size}-{scheme}": {"viewport": SIZES[size], "color_scheme": scheme}
    for size, scheme in product(SIZES, ("light", "dark"))
}
WALKED = SCREENS if os.environ.get("JOURNEY_PICTURES") else ("phone-light", "desk-dark")

ALL_PICTURES = (
    """() => Promise.all([...document.images].map(image => { image.loading = "eager"; return image.decode() }))"""
)


class Walk:
    """A visitor's way through the shop, photographed step by step."""

    def __init__(self, context: BrowserContext, demo: str, pictures: Path, name: str) -> None:
        context.set_default_timeout(TIMEOUT_MS)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.elsewhere = asked_elsewhere(self.page, demo)
        self._demo, self._pictures, self._name, self._steps = demo, pictures, name, 0

    def open(self, path: str) -> None:
        self.page.goto(self._demo + path)

    def click(self, role: str, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role(role, name=name).first.click()

    def photograph(self, step: str) -> None:
        self._steps += 1
        self.page.evaluate(ALL_PICTURES)
        self.page.screenshot(path=self._pictures / f"{self._name}-{self._steps:02}-{step}.png", full_page=True)

    def _listen(self, message) -> None:
        if message.type == "error" and "402 (PAYMENT REQUIRED)" not in message.text:  # the declined card
            self.complaints.append(message.text)


def from_home_to_the_film(walk: Walk) -> None:
    walk.open("/")
    walk.photograph("home")
    walk.click("link", "Gilles Perret")
    walk.photograph("collection")
    walk.page.locator("main").get_by_role("link", name="La Sociale").first.click()
    expect(walk.page.get_by_role("heading", level=1)).to_have_text("La Sociale")
    walk.photograph("film")


def sign_up(walk: Walk, email: str) -> None:
    walk.page.locator("main a[href^='/connexion?next=']").first.click()
    walk.click("link", "S’inscrire en vingt secondes")
    walk.page.get_by_label("Nom").fill("Jeanne")
    walk.page.get_by_label("Adresse e-mail").fill(email)
    walk.page.get_by_label("Mot de passe").fill("un bon mot de passe")
    walk.photograph("sign-up")
    walk.click("button", "S’inscrire")
    expect(walk.page.get_by_role("heading", level=1)).to_have_text("La Sociale")


def order_the_card_of_20(walk: Walk) -> None:
    walk.page.locator("main form[action$='/louer'] button").click()
    expect(walk.page).to_have_url(re.compile("/films/la-sociale/payer"))
    walk.photograph("gap")
    walk.click("link", re.compile("Ou prendre une carte"))
    expect(walk.page).to_have_url(re.compile(r"/cartes\?film=la-sociale"))
    walk.photograph("cards")
    walk.click("button", re.compile(r"Commander et payer 20"))
    expect(walk.page).to_have_url(re.compile("/c/pay/cs_test_"))


def pay_with(walk: Walk, card: str) -> None:
    walk.page.locator("input[name=card]").fill(card)
    walk.photograph("stripe")
    walk.click("button", re.compile("Payer"))


def rent(walk: Walk) -> None:
    walk.page.locator("main form[action$='/louer'] button").click()
    expect(walk.page).to_have_url(re.compile("/films/la-sociale/voir"))
    walk.photograph("to-begin")


def time_after(page: Page, seconds: float) -> float:
    """The film's time as soon as it is past `seconds`."""
    return page.locator("video").evaluate(
        """(video, seconds) => new Promise(done => {
            const look = () => video.currentTime > seconds && done(video.currentTime)
            video.addEventListener("timeupdate", look)
            look()
        })""",
        seconds,
    )


@pytest.mark.parametrize("screen", WALKED)
def test_from_home_to_the_running_film(browser: Browser, demo: str, pictures: Path, screen: str) -> None:
    with browser.new_context(**SCREENS[screen]) as context:
        walk = Walk(context, demo, pictures, screen)
        from_home_to_the_film(walk)
        assert context.cookies() == []
        sign_up(walk, f"{screen}@example.org")
        order_the_card_of_20(walk)
        pay_with(walk, "4000 0000 0000 0002")
        expect(walk.page.locator("main")).to_contain_text("refusée")
        walk.photograph("declined")
        pay_with(walk, "4242 4242 4242 4242")
        expect(walk.page).to_have_url(re.compile("/paiement/retour"))
        expect(walk.page.locator("header")).to_contain_text("21,00")
        walk.photograph("paid")
        rent(walk)
        walk.click("button", re.compile("Commencer maintenant"))
        assert time_after(walk.page, 5) > 5
        expect(walk.page.get_by_text("À commencer avant")).to_be_hidden()
        expect(walk.page.get_by_text("encore 72 h")).to_be_visible()
        walk.photograph("playing")
        assert walk.page.evaluate("document.querySelector('video').videoHeight") in (240, 480, 720)
        walk.open("/compte/credit")
        expect(walk.page.locator("header")).to_contain_text("17,50")
        expect(walk.page.locator("[data-credit-cents]")).to_have_attribute("data-credit-cents", "1750")
        walk.photograph("credit")
        walk.open("/compte/films")
        expect(walk.page.locator("[data-film=la-sociale]")).to_have_count(1)
        walk.photograph("films")
        walk.open("/films/la-sociale")
        expect(walk.page.locator("main")).to_contain_text("Reprendre")
        walk.photograph("film-begun")
        assert walk.complaints == []
        assert [address for address in walk.elsewhere if "/static/" not in address] == []
        assert cookies_of(context) <= OURS


def test_without_script_up_to_the_player(browser: Browser, demo: str, pictures: Path) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        walk = Walk(context, demo, pictures, "no-script")
        from_home_to_the_film(walk)
        sign_up(walk, "sans-script@example.org")
        order_the_card_of_20(walk)
        pay_with(walk, "4242 4242 4242 4242")
        expect(walk.page.locator("header")).to_contain_text("21,00")
        rent(walk)
        expect(walk.page.locator("header")).to_contain_text("17,50")
        assert "La lecture des films demande JavaScript" in walk.page.content()
