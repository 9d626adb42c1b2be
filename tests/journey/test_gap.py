"""Too little credit: from the film page into the running film, by paying what is missing. Every click counts."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.journey.test_journey import SCREENS, Walk, pay_with, sign_up, time_after

MOST_CLICKS = 4
"""Besides what Stripe's own page asks for."""


def sign_in(walk: Walk, email: str) -> None:
    walk.open("/connexion?next=/films/la-sociale")
    walk.page.get_by_label("Adresse e-mail").fill(email)
    walk.page.get_by_label("Mot de passe").fill("demo-demo-demo")
    walk.page.locator("main").get_by_role("button", name="Se connecter").click()
    expect(walk.page.locator("header")).to_contain_text("2,10")


def count_clicks(walk: Walk) -> list[str]:
    """The pages of the shop on which something is clicked from now on, one entry for each click."""
    clicked: list[str] = []
    walk.page.expose_function("clicked", lambda address: clicked.append(address))
    walk.page.add_init_script("addEventListener('click', () => clicked(location.href), true)")
    walk.page.reload()
    return clicked


def test_from_the_film_page_into_the_film(browser: Browser, demo: str, pictures: Path) -> None:
    with browser.new_context(**SCREENS["phone-light"]) as context:
        walk = Walk(context, demo, pictures, "gap")
        sign_in(walk, "spectateur@example.org")
        clicked = count_clicks(walk)
        walk.page.locator("main form[action$='/louer'] button").click()
        expect(walk.page.locator("main")).to_contain_text("Il manque 1,40")
        walk.photograph("gap")
        walk.click("button", re.compile("Payer 1,40.€ et louer"))
        expect(walk.page).to_have_url(re.compile("/c/pay/cs_test_"))
        pay_with(walk, "4000 0000 0000 0002")
        expect(walk.page.locator("main")).to_contain_text("refusée")
        pay_with(walk, "4242 4242 4242 4242")
        expect(walk.page).to_have_url(re.compile("/films/la-sociale/voir"))
        expect(walk.page.locator("header")).to_contain_text("0,00")
        walk.click("button", re.compile("Commencer maintenant"))
        assert time_after(walk.page, 2) > 2
        of_the_shop = [address for address in clicked if address.startswith(demo)]
        assert 3 <= len(of_the_shop) <= MOST_CLICKS, of_the_shop
        assert walk.complaints == []


def test_without_script_it_is_given_up_and_taken_up_again(browser: Browser, demo: str, pictures: Path) -> None:
    with browser.new_context(java_script_enabled=False, **SCREENS["desk-dark"]) as context:
        walk = Walk(context, demo, pictures, "gap-no-script")
        walk.open("/films/la-sociale")
        sign_up(walk, "sans-credit@example.org")
        walk.page.locator("main form[action$='/acheter'] button").click()
        walk.click("button", re.compile("Payer 9,00.€ et acheter"))
        walk.click("link", "Abandonner")
        expect(walk.page.locator("main")).to_contain_text("acheter La Sociale")
        walk.photograph("given-up")
        walk.click("link", re.compile("Reprendre le paiement"))
        pay_with(walk, "4242 4242 4242 4242")
        expect(walk.page).to_have_url(re.compile("/films/la-sociale/voir"))
