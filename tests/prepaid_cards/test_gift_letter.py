"""The letter that brings a given card: the same words twice, the ticket as a picture, the page to print, through real SMTP."""

import io

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import sync_playwright

from store import clock
from store.db import db
from store.mail.letter import Letter
from store.prepaid_cards.gift_letter import gift_letter
from store.prepaid_cards.gifts import GiftWish, given_by
from store.prepaid_cards.jobs import deliver_gifts
from store.prepaid_cards.ticket import INK, YELLOW
from tests import browser
from tests.postbox import Postbox, words_of
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.paper import Paper, squares
from tests.shop import Person, Shop

MESSAGE = "Bon anniversaire <b>& bon film</b> !\nÀ dimanche."


@pytest.fixture
def giver(shop: Shop) -> Person:
    return shop.customer()


@pytest.fixture
def code(counter: Counter, giver: Person) -> str:
    """The code of a card that Jeanne gives to Éloïse today."""
    with counter.app.app_context():
        wish = GiftWish("email", "Éloïse", "eloise@example.org", MESSAGE, clock.today())
    return counter.card(giver, gift=wish)


@pytest.fixture
def letter(app: Flask, counter: Counter, giver: Person, code: str) -> Letter:
    with app.app_context():
        [given] = given_by(db.session, giver.id)
        return gift_letter(given.gift, given.card, giver="Jeanne", keys=counter.keys, at=clock.now())


def test_text_and_html_say_the_same(letter: Letter, code: str) -> None:
    address = f"http://localhost/cartes/activer#{code}"
    assert f'<a href="{address}"' in letter.html
    plain = letter.text.replace("\n> ", "\n").replace(address, "")
    assert words_of(letter.html) == ["CinéMutins", *plain.split()]
    for words in ("Jeanne", "Éloïse", "21,00\u00a0€", "20\u00a0€", code, "<b>& bon film</b>", "À dimanche."):
        assert words in letter.text


def test_the_code_is_in_the_letter_alone(letter: Letter, code: str) -> None:
    assert code[-11:] not in letter.subject
    assert not any(code in name for name in letter.attachments)


def test_the_picture_is_the_ticket_with_its_holes_open(letter: Letter) -> None:
    [(name, png)] = letter.pictures.items()
    assert f'src="cid:{name}"' in letter.html
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    assert picture.size == (720, 264)
    assert picture.getpixel((112, 1))[3] == 0
    assert picture.getpixel((10, 10)) == (*bytes.fromhex(YELLOW[1:]), 255)
    assert picture.getpixel((400, 180)) == (*bytes.fromhex(INK[1:]), 255)


def test_it_arrives_with_the_page_to_print(app: Flask, code: str, postbox: Postbox) -> None:
    with app.app_context():
        deliver_gifts()
    [arrived] = postbox.letters
    assert arrived["To"] == "eloise@example.org"
    assert arrived.get_body(("plain",)).get_content().count(code) == 2
    [picture] = [part for part in arrived.walk() if part.get_content_type() == "image/png"]
    assert f"cid:{picture['Content-ID'][1:-1]}" in arrived.get_body(("html",)).get_content()
    [attached] = arrived.iter_attachments()
    assert attached.get_filename().endswith(f"{code[-4:]}.pdf")
    page = Paper(attached.get_content())
    assert len(page) == 1
    assert squares(page.picture()) == [f"http://localhost/cartes/activer#{code}"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_a_phone(letter: Letter, scheme: str) -> None:
    """Nothing is wider than the screen, and every word stands out from what it stands on."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.require(), args=browser.FLAGS)
        phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        phone.set_content(letter.html)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        assert phone.locator("a").bounding_box()["height"] >= 44
        ratios = phone.evaluate(CONTRASTS)
        chromium.close()
    assert min(ratios) >= 4.5


CONTRASTS = """
() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
      .map(part => part / 255).map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2] + .05;
  };
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.background = "Canvas";
  const canvas = getComputedStyle(probe).backgroundColor;
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return canvas;
  };
  return [...document.querySelectorAll("p, a, b")].map(element => {
    const pair = [light(getComputedStyle(element).color), light(ground(element))];
    return Math.max(...pair) / Math.min(...pair);
  });
}
"""
