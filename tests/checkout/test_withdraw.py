"""Giving a card back: in two steps, with a dated acknowledgement, exactly what is unspent."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout.models import Refund
from store.checkout.withdraw import WITHDRAWAL_DAYS, withdrawable
from store.db import db
from store.prepaid_cards.models import PrepaidCard
from tests.checkout.purchases import books, bought, count, left_in_lots
from tests.checkout.stripe_side import act
from tests.checkout.test_buying_a_card import do_jobs
from tests.checkout.test_refund import rent, sync
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

pytestmark = both_engines


def card_id(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(PrepaidCard.id)).one()


def test_a_partly_spent_card_gives_back_exactly_what_is_unspent(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    bought(app, client, sandbox, "50")
    shop.film()
    rent(shop, person, "la-sociale")  # 3.50 of the 5.00 of bonus
    page = f"/compte/cartes/{card_id(app)}/retractation"
    assert page in client.get("/compte/cartes").text
    first = client.get(page)
    assert 'data-refund-cents="5000"' in first.text
    assert "1,50" in first.text
    token = csrf_of(client, page)
    assert client.post(page, data={"csrf_token": token}).location == f"{page}/recue"
    assert left_in_lots(app) == [0, 0]
    do_jobs(app)
    received = client.get(f"{page}/recue").text
    assert 'data-refund-state="succeeded"' in received
    letters = [path.read_text() for path in Path(app.instance_path, "mail").glob("*withdrawal*.eml")]
    assert len(letters) == 1
    assert books(app) == {}  # the film was paid by what the shop offered: no sale, and no money was kept
    statement = client.get("/compte/credit").text
    assert "Carte remboursée" in statement
    again = client.post(page, data={"csrf_token": token})
    assert again.location == "/compte/cartes"
    assert count(app, Refund) == 1


def test_nobody_gives_somebody_elses_card_back(app: Flask, shop: Shop, sandbox: str) -> None:
    bought(app, shop.signed_in(shop.customer()), sandbox)
    stranger = shop.signed_in(shop.customer("paul@example.org"))
    page = f"/compte/cartes/{card_id(app)}/retractation"
    assert [stranger.get(page).status_code, stranger.get(f"{page}/recue").status_code] == [404, 404]
    token = csrf_of(stranger, "/cartes")
    assert stranger.post(page, data={"csrf_token": token}).status_code == 303
    assert count(app, Refund) == 0


def test_a_gift_can_be_given_back_until_it_is_used(app: Flask, shop: Shop, sandbox: str) -> None:
    giver = shop.customer()
    client = shop.signed_in(giver)
    bought(app, client, sandbox, pour="cadeau", recipient_name="Paul", recipient_email="paul@example.org")
    page = f"/compte/cartes/{card_id(app)}/retractation"
    assert client.post(page, data={"csrf_token": csrf_of(client, page)}).location == f"{page}/recue"
    do_jobs(app)
    assert books(app) == {}


@pytest.mark.parametrize(("days", "is_offered"), [(WITHDRAWAL_DAYS, True), (WITHDRAWAL_DAYS + 1, False)])
def test_the_time_is_counted_in_the_shops_days(
    app: Flask, shop: Shop, sandbox: str, days: int, is_offered: bool
) -> None:
    person = shop.customer()
    bought(app, shop.signed_in(person), sandbox)
    with app.app_context():
        now = clock.now()
        last_minute = clock.start_of(clock.today() + timedelta(days=days + 1)) - timedelta(minutes=1)
        assert withdrawable(db.session, person.id, now)[0]
        assert bool(withdrawable(db.session, person.id, last_minute)[0]) is is_offered


def test_a_disputed_card_is_not_given_back(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    order = bought(app, client, sandbox)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")
    sync(app, order)
    assert client.get(f"/compte/cartes/{card_id(app)}/retractation").status_code == 404
