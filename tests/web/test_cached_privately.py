"""No cache shows one customer what is another's: kept pages, pieces, 304, both languages, errors, the browser's own.

Two customers and a stranger ask for everything in turns, by every door; whoever breaks a key of a cache sees this fail.
"""

import re
from collections.abc import Callable
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store import create_app
from store.db import db
from store.web import headers, kept_pages
from store.web.kept_pages import KeptPages
from tests.conftest import settings_for
from tests.shop import Shop

ADDRESSES = (
    *("/", "/films", "/films?tri=titre", "/films/la-sociale", "/films/la-sociale/extraits", "/collections", "/cartes"),
    *("/recherche?q=la", "/conditions", "/films/no-such-film", "/no/such/page", "/preuve"),
    *("/compte", "/compte/credit", "/compte/films", "/compte/liste", "/connexion"),
)
FEW = ("/", "/films/la-sociale", "/compte", "/no/such/page")
CREDITS = {"anna": 4321, "berta": 8765}
TOKEN = re.compile(r'csrf_token" value="([^"]+)"|data-csrf="([^"]+)"')


class Visitors:
    """Anna, Berta and a stranger, with what each was shown of their own."""

    def __init__(self, app: Flask, shop: Shop) -> None:
        self.app = app
        self.browsers: dict[str, FlaskClient] = {
            name: shop.signed_in(shop.customer(f"{name}@example.org", credit=credit))
            for name, credit in CREDITS.items()
        }
        self.own: dict[str, set[str]] = {
            name: {f"{name}@example.org", *written(credit)} for name, credit in CREDITS.items()
        }
        self.own["stranger"] = set()
        self.faults: list[str] = []

    def browser_of(self, name: str) -> FlaskClient:
        return self.browsers.get(name) or self.app.test_client()

    def ask(self, name: str, address: str, **more: dict[str, str]) -> TestResponse:
        """Ask, and note whatever is wrong with the answer."""
        answer = self.browser_of(name).get(address, **more)
        shown = answer.text
        self.own[name] |= {token for found in TOKEN.findall(shown) for token in found if token}
        for other, marks in self.own.items():
            if other != name:
                self.faults += [f"{name} sees {other}'s {mark} at {address}" for mark in marks if mark in shown]
        lang = "en" if address.startswith("/en") else "fr"
        if answer.status_code != 303 and f'<html lang="{lang}">' not in shown:
            self.faults.append(f"{name} gets another page than {address}")
        if name in CREDITS:
            self._check_own(name, address, answer)
        return answer

    def _check_own(self, name: str, address: str, answer: TestResponse) -> None:
        if answer.status_code == 303:
            return
        if not any(sum_ in answer.text for sum_ in written(CREDITS[name])):
            self.faults.append(f"{name} is not known at {address}: {answer.status_code}")
        if answer.headers.get("Cache-Control") != "no-store" or "ETag" in answer.headers:
            self.faults.append(f"{name}'s {address} may be kept by others, or shown by going back")


def written(cents: int) -> set[str]:
    return {f"{cents / 100:.2f}", f"{cents / 100:.2f}".replace(".", ",")}


def faults_of(app: Flask, shop: Shop, addresses: tuple[str, ...] = ADDRESSES) -> list[str]:
    """What went wrong when all three asked for everything, each after each."""
    shop.film()
    visitors = Visitors(app, shop)
    for site, address in product(("", "/en"), addresses):
        place = f"{site}{address}"
        for name in ("anna", "stranger", "berta"):
            answer = visitors.ask(name, place)
            etag = answer.headers.get("ETag", '"of-nothing"')
            for other in ("berta", "stranger", "anna"):
                visitors.ask(other, place, headers={"If-None-Match": f"{etag}, *"} if other == "berta" else {})
        visitors.ask("stranger", place, headers={"Cookie": "session=forged"})
    return visitors.faults


def test_nobody_is_shown_what_is_another_s(app: Flask, shop: Shop) -> None:
    assert faults_of(app, shop) == []


def careless_of_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(self, environ, start_response):
        key, version = self._key(environ), self._version()
        page = self._pages.get(key)
        if page and page.version == version:
            return kept_pages._send(page, environ, start_response)
        return self._draw(key, version, environ, start_response)

    monkeypatch.setattr(KeptPages, "__call__", answer)


def one_key_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptPages, "_key", lambda self, environ: ("one",))


def private_pages_unmarked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_keep_private_pages_private", lambda response: response)


def private_pages_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    private_pages_unmarked(monkeypatch)
    careless_of_cookies(monkeypatch)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (careless_of_cookies, "is not known at"),
        (one_key_for_all, "gets another page than"),
        (private_pages_unmarked, "may be kept by others"),
        (private_pages_kept, "sees anna's"),
    ],
)
def test_a_broken_key_is_seen(
    database_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch, broken: Callable, complaint: str
) -> None:
    broken(monkeypatch)  # before the shop is made: it takes its after-request functions then
    app = create_app(settings_for(tmp_path, database_url))
    assert [fault for fault in faults_of(app, Shop(app), FEW) if complaint in fault]
    with app.app_context():
        db.engine.dispose()
