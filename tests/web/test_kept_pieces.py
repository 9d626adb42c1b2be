"""Pieces that are kept for everybody: nobody's own, never older than the database, few questions on every page."""

from datetime import date, timedelta

import pytest
from flask import Flask
from jinja2 import DictLoader, UndefinedError
from sqlalchemy import update

from store import clock
from store.catalogue.models import Film
from store.db import transaction
from store.shown import move_on
from store.web.kept_pieces import MOST_KEPT, PERSONAL, KeptPieces, fixed_piece, piece
from tests.conftest import both_engines
from tests.shop import Shop

PAGES = ("/", "/films", "/films/la-sociale", "/collections", "/aide", "/en/films/la-sociale")


class Stranger:
    """A stranger with a cookie: nothing comes from the kept pages, so that what is seen is what the pieces are made of."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client(use_cookies=False)  # one that keeps cookies drops those of `headers`

    def get(self, address: str) -> str:
        """The page."""
        answer = self._client.get(address, headers={"Cookie": "elsewhere=1"})
        assert answer.status_code == 200 and "ETag" not in answer.headers
        return answer.text


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("template", ["{{ NAME }}", "{% if NAME %}x{% endif %}", "{{ NAME() }}", "{{ NAME.path }}"])
def test_a_piece_that_names_a_visitor_or_their_request_fails(app: Flask, name: str, template: str) -> None:
    app.jinja_env.loader = DictLoader({"personal.html": template.replace("NAME", name), "x.html": "{{ word }}"})
    with app.test_request_context("/"):
        assert fixed_piece("x.html", word="good") == "good"
        with pytest.raises(UndefinedError, match=name):
            fixed_piece("personal.html")
        with pytest.raises(UndefinedError, match=name):
            piece("personal.html", dict)


@pytest.mark.parametrize("address", PAGES)
def test_a_strangers_page_is_the_same_whoever_came_before(app: Flask, shop: Shop, address: str) -> None:
    shop.film()
    person = shop.customer("secrete@example.org", credit=4321)
    customer = shop.signed_in(person)
    own = customer.get(address)
    assert own.status_code == 200 and ("43,21" in own.text or "43.21" in own.text)
    after_them = Stranger(app).get(address)
    app.extensions["kept_pieces"] = KeptPieces()
    app.extensions["fixed_pieces"].clear()
    before_them = Stranger(app).get(address)
    assert after_them == before_them
    for own_alone in ("secrete@", "csrf_token", "Mon compte", "My account"):
        assert own_alone not in before_them


@both_engines
def test_what_changes_is_shown_at_once_to_whoever_has_a_cookie(app: Flask, shop: Shop) -> None:
    shop.film()
    for address in ("/films/la-sociale", "/films", "/"):
        assert "La Sociale" in Stranger(app).get(address)
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(title="Un Autre Titre"))
        move_on(session)
    for address in ("/films/la-sociale", "/films", "/"):
        page = Stranger(app).get(address)
        assert "Un Autre Titre" in page and "La Sociale" not in page


def test_a_price_is_that_of_the_shops_day(app: Flask, shop: Shop) -> None:
    """A feature costs more in its first year: nothing moves the version when that ends."""
    shop.film()
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(released_on=_day(app, -200)))
        move_on(session)
    assert 'data-price-rent-cents="490"' in Stranger(app).get("/films/la-sociale")
    app.config["SHOP_CLOCK_OFFSET_S"] = 200 * 86_400
    later = Stranger(app).get("/films/la-sociale")
    assert 'data-price-rent-cents="350"' in later and "3,50" in later and "4,90" not in later


def _day(app: Flask, from_today: int) -> date:
    with app.app_context():
        return clock.today() + timedelta(days=from_today)


@both_engines
def test_pages_ask_for_little_besides_the_version(app: Flask, shop: Shop, query_count) -> None:
    shop.film()
    customer = shop.signed_in(shop.customer(credit=900))
    for address in ("/films/la-sociale", "/films", "/"):
        customer.get(address)
        with query_count() as of_a_stranger:
            Stranger(app).get(address)
        assert len(of_a_stranger) == 1, of_a_stranger
        with query_count() as of_a_customer:
            customer.get(address)
        assert len(of_a_customer) <= 4, of_a_customer


def test_so_much_is_kept_and_no_more_and_nothing_of_another_version() -> None:
    pieces = KeptPieces()
    for number in range(MOST_KEPT + 1):
        pieces.put(1, (number,), number)
    assert pieces.get(1, (0,)) is None and pieces.get(1, (1,)) == 1
    pieces.put(1, ("late",), "late")
    assert pieces.get(1, (1,)) == 1 and pieces.get(1, (2,)) is None
    pieces.put(2, ("new",), "new")
    assert pieces.get(2, ("new",)) == "new" and pieces.get(2, (1,)) is None
    pieces.put(1, ("old",), "old")
    assert pieces.get(1, ("old",)) is None and pieces.get(2, ("new",)) == "new"
