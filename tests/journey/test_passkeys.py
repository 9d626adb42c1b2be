"""Passkeys and the second factor in a real browser, whose authenticator is Chromium's own, made of software.

Browsers know passkeys for names alone: the demo of these walks is asked for as `localhost`.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from store.demo.seed import PASSWORD, SECOND_FACTOR, STAFF
from tests.journey.test_journey import SCREENS, Walk

WALKED = SCREENS if os.environ.get("JOURNEY_PICTURES") else ("phone-light",)


@pytest.fixture(scope="module")
def shop_url() -> str:
    """Passkeys are bound to it."""
    return "http://localhost:{port}"


def with_authenticator(page: Page) -> None:
    """The telephone's own authenticator, whose owner is always there and always themselves."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        **{"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True},
        **{"isUserVerified": True, "automaticPresenceSimulation": True},
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def walk_as(browser: Browser, demo: str, pictures: Path) -> Iterator[object]:
    """`walk_as(screen, name)` is a visitor with a telephone that makes passkeys."""
    contexts: list[BrowserContext] = []

    def walk_as(screen: str, name: str) -> Walk:
        contexts.append(browser.new_context(**SCREENS[screen]))
        walk = Walk(contexts[-1], demo, pictures, f"{name}-{screen}")
        with_authenticator(walk.page)
        return walk

    yield walk_as
    for context in contexts:
        context.close()


def fill_code(walk: Walk, label: str, code: str) -> None:
    walk.page.get_by_label(label, exact=True).fill(code)


def code_of(secret: str) -> str:
    """The app's code; one that is about to end is waited out by asking for the next, which is accepted as well."""
    return pyotp.TOTP(secret).at(time.time())


@pytest.mark.parametrize("screen", WALKED)
def test_a_passkey_signs_up_and_in_and_is_kept_in_order(walk_as, screen: str) -> None:
    walk = walk_as(screen, "passkey")
    walk.open("/inscription?next=/films/la-sociale")
    walk.click("button", "S’inscrire par une clé d’accès, sans mot de passe")
    expect(walk.page.get_by_role("alert")).to_contain_text(
        "Comment"
    )  # the form says what is missing, no passkey is made
    walk.page.get_by_label("Nom").fill("Ambre")
    walk.page.get_by_label("Adresse e-mail").fill(f"{screen}-cle@example.org")
    walk.photograph("sign-up")
    walk.click("button", "S’inscrire par une clé d’accès, sans mot de passe")
    expect(walk.page).to_have_url(re.compile("/films/la-sociale$"))
    walk.open("/compte/securite")
    walk.page.locator("#passkeys summary").click()
    walk.photograph("security")
    walk.page.locator("#passkeys").get_by_role("button", name="Retirer").click()
    expect(walk.page.get_by_role("alert")).to_contain_text("seule entrée")
    walk.page.locator("#browsers").get_by_role("button", name="Se déconnecter").click()
    walk.open("/connexion?next=/compte/securite")
    walk.photograph("sign-in")
    walk.click("button", "Se connecter par une clé d’accès")
    expect(walk.page).to_have_url(re.compile("/compte/securite$"))
    expect(walk.page.locator("#passkeys li")).to_contain_text("utilisée le")
    expected = "422 (UNPROCESSABLE ENTITY)"  # the form with what was missing
    assert [complaint for complaint in walk.complaints if expected not in complaint] == []


@pytest.mark.parametrize("screen", WALKED)
def test_staff_show_an_app_then_a_recovery_code_then_a_passkey(walk_as, demo: str, screen: str) -> None:
    walk = walk_as(screen, "staff")
    walk.open("/equipe/alertes")
    expect(walk.page.locator("h1")).not_to_have_text("Alertes")  # to a stranger it is an address of nothing
    sign_in_staff(walk)
    walk.open("/equipe/alertes")
    walk.photograph("second-factor")
    expect(walk.page).to_have_url(re.compile("/equipe/second-facteur"))
    open_desk_by_app(walk)
    walk.open("/equipe/second-facteur/codes")
    walk.click("button", re.compile("En faire dix nouveaux"))
    walk.photograph("recovery-codes")
    [recovery_code, *others] = walk.page.locator(".recovery-codes li").all_inner_texts()
    assert len(others) == 9
    walk.open("/equipe/second-facteur/inscription")
    walk.photograph("enrolment")
    secret = walk.page.locator("[data-secret]").get_attribute("data-secret")
    fill_code(walk, "Code de l’application", code_of(secret))
    walk.click("button", "C’est mon second facteur")
    codes = walk.page.locator(".recovery-codes li").all_inner_texts()
    assert len(codes) == 10 and recovery_code not in codes
    walk.open("/compte/securite")
    walk.page.get_by_label("Le nom que vous lui donnez").last.fill("Mon téléphone")
    walk.click("button", "Créer une clé d’accès")
    expect(walk.page.locator("#passkeys li").last).to_contain_text("Mon téléphone")
    walk.photograph("security")

    sign_out(walk)
    sign_in_staff(walk)
    walk.open("/equipe/alertes")
    fill_code(walk, "Votre code", codes[0].lower())
    walk.click("button", "Ouvrir le bureau")
    expect(walk.page.locator("h1")).to_have_text("Alertes")

    sign_out(walk)
    sign_in_staff(walk)
    walk.open("/equipe/alertes")
    walk.click("button", "Par une clé d’accès")
    expect(walk.page.locator("h1")).to_have_text("Alertes")
    remember_secret(secret)
    assert [complaint for complaint in walk.complaints if "404 (NOT FOUND)" not in complaint] == []


SECRETS = [SECOND_FACTOR]
"""Those of the demo's staff, one after the other: the last one is good."""


def remember_secret(secret: str | None) -> None:
    SECRETS.append(secret or "")


def open_desk_by_app(walk: Walk) -> None:
    fill_code(walk, "Votre code", code_of(SECRETS[-1]))
    walk.click("button", "Ouvrir le bureau")
    if walk.page.locator(
        "#code-error"
    ).count():  # this step's code enrolled the app a moment ago: the next one is good already
        fill_code(walk, "Votre code", pyotp.TOTP(SECRETS[-1]).at(time.time() + 30))
        walk.click("button", "Ouvrir le bureau")
    expect(walk.page.locator("h1")).to_have_text("Alertes")


def sign_in_staff(walk: Walk) -> None:
    walk.open("/connexion")
    walk.page.get_by_label("Adresse e-mail").fill(STAFF.email)
    walk.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    walk.click("button", re.compile("^Se connecter$"))
    expect(walk.page).to_have_url(re.compile("/compte$"))


def sign_out(walk: Walk) -> None:
    walk.open("/compte")
    walk.click("button", "Se déconnecter")
