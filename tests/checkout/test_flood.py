"""Deliveries repeated, shuffled and forged; `make soak` sends ten thousand of them to a real server and looks at the clock."""

import random

from flask import Flask

from store.db import db
from tests.checkout.flood import Flood
from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.test_buying_a_card import do_jobs
from tests.conftest import both_engines

DELIVERIES = 150


@both_engines
def test_each_paid_session_is_credited_once_and_nothing_else(own_app: Flask, own: OwnSandbox) -> None:
    seed = random.randrange(10**6)
    flood = Flood(own_app, own, DELIVERIES, random.Random(seed))
    browser = own_app.test_client()
    for delivery in flood.deliveries:
        answer = browser.post("/stripe/webhook", data=delivery.body, headers=delivery.headers())
        assert answer.status_code == (400 if delivery.is_forged else 200)
    do_jobs(own_app)
    with own_app.app_context():
        assert list(flood.violations(db.session)) == [], seed
