"""What the desk shows of the shop's letters: every kind, in both languages, in a frame that may do nothing."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import sync_playwright

from config import ROOT
from store import clock
from store.backoffice.sample_letters import SAMPLES
from store.db import transaction
from store.language import LANGUAGES
from store.mail import bounces
from tests import browser
from tests.shop import Shop

PARTS = {"mail_receipt"}
"""Templates that stand in several letters."""


@pytest.fixture
def desk(shop: Shop) -> FlaskClient:
    """A browser of the staff's."""
    return shop.signed_in(shop.staff())


def kinds() -> set[str]:
    templates = {Path(path).stem for path in (ROOT / "templates").glob("*/mail_*.txt")} - PARTS
    return {template.removeprefix("mail_").replace("_", "-") for template in templates}


def test_every_letter_is_shown_in_both_languages(desk: FlaskClient) -> None:
    assert SAMPLES.keys() == kinds()
    listed = desk.get("/equipe/courriels").text
    for kind in SAMPLES:
        assert f'href="/equipe/courriels/{kind}"' in listed
        page = desk.get(f"/equipe/courriels/{kind}")
        assert page.status_code == 200, kind
        subjects = re.findall(r'<section class="section" lang="(..)">\n<h2>(.+)</h2>', page.text)
        assert [code for code, _ in subjects] == [*LANGUAGES] and len({subject for _, subject in subjects}) == 2, kind
        for code in LANGUAGES:
            frame = desk.get(f"/equipe/courriels/{kind}/{code}")
            assert f'<html lang="{code}">' in frame.text and "cid:" not in frame.text and " style=" not in frame.text


def test_the_frame_may_do_nothing_but_look(desk: FlaskClient) -> None:
    page, frame = desk.get("/equipe/courriels/gift"), desk.get("/equipe/courriels/gift/fr")
    assert "<iframe" in page.text and " sandbox " in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    policy = frame.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "unsafe" not in policy and "default-src 'none'" in policy
    assert desk.get("/equipe/courriels/gift/de").status_code == 404
    assert desk.get("/equipe/courriels/nothing/fr").status_code == 404
    assert "frame-src" not in desk.get("/equipe/courriels").headers["Content-Security-Policy"]


def test_a_browser_shows_it_as_it_looks(app: Flask, desk: FlaskClient) -> None:
    """Its styles pass the frame's policy: nothing is refused, and the button has its colour."""
    frame = desk.get("/equipe/courriels/gift/fr")
    refused: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.require(), args=browser.FLAGS)
        page = chromium.new_page()
        page.on("console", lambda message: refused.append(message.text))
        headers = {name: frame.headers[name] for name in ("Content-Type", "Content-Security-Policy")}
        page.route("**/*", lambda route: route.fulfill(status=200, body=frame.text, headers=headers))
        page.goto("http://localhost/equipe/courriels/gift/fr")
        colours = page.locator("a").evaluate_all("links => links.map(one => getComputedStyle(one).backgroundColor)")
        widths = page.locator("img").evaluate_all("pictures => pictures.map(one => one.naturalWidth)")
        chromium.close()
    assert "rgb(210, 42, 20)" in colours and widths == [720]
    assert [message for message in refused if "style" in message or "img" in message] == []


def test_what_came_back_is_listed(app: Flask, desk: FlaskClient) -> None:
    assert "Aucune" in desk.get("/equipe/courriels").text
    with app.app_context(), transaction() as session:
        bounces.note(session, "paul@example.org", status="5.1.1", said="<b>no such user</b>", at=clock.now())
    page = desk.get("/equipe/courriels").text
    assert "paul@example.org" in page and "5.1.1" in page and "&lt;b&gt;no such user" in page
