"""A few random walks through payments, refunds, disputes, faults and kills; `make soak` takes five hundred of each engine."""

import random

from flask import Flask

from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.walks import Walks
from tests.conftest import both_engines

WALKS = 3


@both_engines
def test_whatever_happens_the_books_and_stripe_agree(own_app: Flask, own: OwnSandbox) -> None:
    seed, walks = random.randrange(10**6), Walks(own_app, own)
    for number in range(seed, seed + WALKS):
        assert list(walks.walk(number)) == []
    assert list(walks.whole()) == []
    assert walks.steps >= 10 * WALKS
