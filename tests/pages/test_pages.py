"""Home, texts, errors, the style sheet."""

import gzip
import itertools
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from store import clock
from store.db import db, transaction
from store.ledger.close import close_days
from store.ledger.jobs import audit
from store.ledger.models import Closing
from store.pages.views import TEXT_PAGES
from store.prepaid_cards.denominations import change
from tests.shop import Shop

HEAVIEST_PAGE_BYTES = 15_000
HEAVIEST_FONTS_BYTES = 45_000


@pytest.mark.parametrize("address", ["/", *(f"/{name}" for name in TEXT_PAGES)])
def test_pages_answer_without_a_cookie_or_a_form(client: FlaskClient, shop: Shop, address: str) -> None:
    shop.film()
    answer = client.get(address)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "<form" not in answer.text and "{{" not in answer.text
    assert answer.text.count("<h1") == 1


def test_the_home_of_an_empty_shop_stands(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200


def test_headings_are_in_order(client: FlaskClient, shop: Shop) -> None:
    for number in range(6):
        shop.film(f"film-{number}")
    for address in ("/", "/films", "/films/film-1", "/aide", "/collections", "/nothing"):
        levels = [int(level) for level in re.findall(r"<h([1-6])", client.get(address).text)]
        assert levels[0] == 1, address
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), address


def test_page_and_style_sheet_stay_light(app: Flask, client: FlaskClient, shop: Shop) -> None:
    for number in range(6):
        shop.film(f"film-{number}")
    page = client.get("/films/film-1")
    sheet = client.get(re.search(r'href="(/style-[0-9a-f]+\.css)"', page.text).group(1))
    assert "immutable" in sheet.headers["Cache-Control"]
    assert len(gzip.compress(page.data)) + len(gzip.compress(sheet.data)) <= HEAVIEST_PAGE_BYTES
    fonts = re.findall(r'url\("([^"]+)"\)', sheet.text)
    assert len(fonts) == 3
    answers = [client.get(font) for font in fonts]
    assert all("immutable" in answer.headers["Cache-Control"] for answer in answers)
    assert sum(len(answer.data) for answer in answers) <= HEAVIEST_FONTS_BYTES
    assert all(f'href="{font}"' in page.text for font in fonts), "preloaded under another address than the sheet's"


def test_colours_stand_in_the_token_file_alone(app: Flask) -> None:
    from pathlib import Path

    for sheet in Path(app.static_folder).glob("css/**/*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lch)\(|:\s*(?:white|black|red)\b", text)
        assert sheet.name == "tokens.css" or not found, f"{sheet.name}: {found}"


@pytest.mark.parametrize("address", ["/nothing", "/style-000000000000.css", "/static/nothing", "/films/%00"])
def test_missing_addresses_are_404_in_our_look(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert 'class="header"' in answer.text


def test_every_error_has_a_sentence_and_one_next_step(app: Flask) -> None:
    from flask import render_template

    for code in (400, 403, 404, 405, 409, 413, 422, 429, 500, 503):
        with app.test_request_context("/"):
            page = render_template("errors/error.html", code=code)
        assert f">{code}<" in page and 'class="lead"' in page and 'class="button"' in page


def test_the_books_lie_open(app: Flask, shop: Shop, client: FlaskClient) -> None:
    assert client.get("/preuve").status_code == 200
    shop.customer(credit=1000, bonus=100)
    page = client.get("/preuve").text
    assert 'data-outstanding-cents="1100"' in page
    assert "data-differences" not in page
    with app.app_context():
        audit()
        with transaction() as session:
            close_days(session, clock.shop_zone(), clock.now() + timedelta(days=1, hours=2))
    page = client.get("/preuve").text
    with app.app_context():
        assert db.session.scalars(select(Closing.digest)).one() in page
    assert 'data-differences="0"' in page


@pytest.mark.parametrize("site", ["", "/en"])
def test_texts_say_what_this_shop_does(app: Flask, client: FlaskClient, site: str) -> None:
    """The terms and the help speak of the settings, and of the cards that are sold today."""
    app.config.update(RENTAL_PLAY_HOURS=47, RENTAL_START_DAYS=31, STREAMS_PER_CUSTOMER=5, SHOP_HOSTING="<Zorn> SA")
    with app.app_context(), transaction() as session:
        change(session, "20", price_cents=1900, credit_cents=2300)
    pages = {name: client.get(f"{site}/{name}").text for name in TEXT_PAGES}
    assert {name: page for name, page in pages.items() if "{{" in page} == {}
    assert "47" in pages["conditions"] and "31" in pages["conditions"] and "19" in pages["conditions"]
    assert "47" in pages["aide"] and ": 5." in pages["aide"].replace("\u00a0", "")
    assert "&lt;Zorn&gt; SA" in pages["mentions-legales"]
