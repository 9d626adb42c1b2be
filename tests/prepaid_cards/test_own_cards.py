"""My cards: however many there are, as many queries, and no list without an end."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from store.prepaid_cards import views
from tests.conftest import both_engines
from tests.prepaid_cards.counter import WISH, Counter
from tests.shop import Person, Shop

PAGE = "/compte/cartes"
COUNTED = {
    "apres": r'class="ticket"',
    "cadeaux": r'id="cadeau-\d+',
    "suspendues": r"attend quelqu’un",
    "rendre": r"/compte/cartes/\d+/retractation",
}


def buy(counter: Counter, buyer: Person, count: int) -> None:
    """So many cards of each sort."""
    for _ in range(count):
        counter.card(buyer, 500, 500, purpose="self")
        counter.card(buyer, 500, 500, gift=WISH)
        counter.card(buyer, 500, 500, purpose="suspended")


@both_engines
def test_more_cards_are_no_more_queries(app: Flask, shop: Shop, query_count: Callable) -> None:
    counter, buyer = Counter(app), shop.customer()
    client = shop.signed_in(buyer)
    buy(counter, buyer, 1)
    assert client.get(PAGE).status_code == 200
    with query_count() as few:
        client.get(PAGE)
    buy(counter, buyer, 5)
    with query_count() as many:
        client.get(PAGE)
    assert len(many) == len(few) <= 13


def test_each_list_goes_on_from_its_own_cursor(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LINES", 4)
    counter, buyer = Counter(app), shop.customer()
    client = shop.signed_in(buyer)
    buy(counter, buyer, 6)
    for cursor, line in COUNTED.items():
        pages, address = [], PAGE
        while address:
            text = client.get(address).text
            pages.append(re.findall(line, text))
            following = re.search(rf'href="({PAGE}\?{cursor}=[^"#]+)[^"]*" rel="next"', text)
            address = following.group(1) if following else ""
        assert max(len(page) for page in pages) <= 4, cursor
        assert sum(len(page) for page in pages) == (18 if cursor == "rendre" else 6), cursor


@pytest.mark.parametrize("cursor", ["apres", "cadeaux", "suspendues", "rendre"])
@pytest.mark.parametrize("written", ["x", "", "-1", "2-1", "9" * 30, "1-" + "9" * 30])
def test_what_is_no_cursor_is_the_first_page(app: Flask, shop: Shop, cursor: str, written: str) -> None:
    buyer = shop.customer()
    buy(Counter(app), buyer, 1)
    text = shop.signed_in(buyer).get(f"{PAGE}?{cursor}={written}").text
    assert len(re.findall(COUNTED[cursor], text)) == (3 if cursor == "rendre" else 1)
