"""Random histories, a few of them; `make soak` takes ten thousand steps."""

from flask import Flask
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import both_engines
from tests.ledger.histories import FILM, Histories, lengths
from tests.shop import Shop


@both_engines
def test_after_every_step_the_books_say_what_plain_python_says(app: Flask, shop: Shop) -> None:
    shop.film(FILM)
    run_state_machine_as_test(lambda: Histories(app), settings=lengths(examples=8, steps=30))
