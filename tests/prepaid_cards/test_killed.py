"""Killed at any point of a redemption, then done again: one credit."""

import pytest
from flask import Flask

from store.ledger.chart import STORED_VALUE, UNREDEEMED_CARDS
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.test_pages import enter
from tests.shop import Shop


@both_engines
@pytest.mark.parametrize(
    ("step", "again"), [("card_locked", 303), ("wallet_locked", 303), ("credited", 303), ("committed", 422)]
)
def test_a_code_gives_its_credit_once(app: Flask, counter: Counter, shop: Shop, step: str, again: int) -> None:
    person = shop.customer()
    code, client = counter.card(person), shop.signed_in(person)
    assert is_killed_at(app, f"redeem.{step}", lambda: enter(client, code))
    assert shop.credit_of(person) == (2100 if step == "committed" else 0)
    assert enter(client, code).status_code == again
    assert enter(client, code).status_code == 422
    assert shop.credit_of(person) == 2100
    assert (counter.account(UNREDEEMED_CARDS), counter.account(STORED_VALUE)) == (0, 2000)
