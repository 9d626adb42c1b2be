"""A bank pulls a payment back: what is left is held, then released or written off; with refunds it reverses at most the charge."""

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout.give_back import undo_rental
from store.checkout.models import Dispute
from store.checkout.refund import NothingToRefund, refund, reserve, send
from store.db import db, transaction
from store.ledger.balance import is_frozen
from tests.checkout.purchases import alerts, books, bought, left_in_lots
from tests.checkout.stripe_side import act
from tests.checkout.test_refund import rent, sync
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Shop

pytestmark = both_engines


@pytest.mark.parametrize("spends", [False, True])
def test_won_exactly_what_was_held_is_released(app: Flask, shop: Shop, sandbox: str, spends: bool) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    if spends:
        shop.film()
        rent(shop, person, "la-sociale")
    before, lots = shop.credit_of(person), left_in_lots(app)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")
    sync(app, order)
    assert shop.credit_of(person) == 0
    assert books(app)["dispute_claims"] == 2000
    assert "stripe_clearing" not in books(app)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    sync(app, order)
    sync(app, order)
    assert (shop.credit_of(person), left_in_lots(app)) == (before, lots)
    assert books(app)["stripe_clearing"] == 2000
    assert "dispute_claims" not in books(app)
    assert alerts(app) == ["dispute_opened", "dispute_won"]


@pytest.mark.parametrize("first", ["open", "lost"])
def test_what_a_won_dispute_releases_pays_a_refund_of_meanwhile(
    app: Flask, shop: Shop, sandbox: str, first: str
) -> None:
    """The dashboard paid all back while everything was held, so that nothing was left to take for it."""
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=first)
    sync(app, order)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    act(sandbox, f"refund/{order.stripe_payment_intent_id}")
    sync(app, order)
    assert shop.credit_of(person) <= 100  # no more than the bonus
    assert "customer_debts" not in books(app) and "stripe_clearing" not in books(app)
    with app.app_context():
        assert not is_frozen(db.session, person.wallet_id)


def test_lost_what_was_held_is_written_off_and_what_was_spent_is_a_loss(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    shop.film()
    rent(shop, person, "la-sociale")  # 1.00 of bonus, 2.50 of what was paid
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)  # both are heard of at once
    assert left_in_lots(app) == [0, 0]
    assert books(app) == {"bad_debts": 250, "rental_sales": -208, "vat_collected": -42}
    assert alerts(app) == ["dispute_opened", "dispute_lost"]
    with app.app_context(), pytest.raises(NothingToRefund):
        refund(order.id, None, clock.now())


def test_a_refund_and_a_dispute_together_reverse_at_most_the_charge(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context():
        refund(order.id, 800, clock.now())
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")
    sync(app, order)
    with app.app_context():
        assert db.session.scalars(select(Dispute.amount_cents)).one() == 1200
    with app.app_context(), pytest.raises(NothingToRefund):
        refund(order.id, 100, clock.now())
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="lost")
    sync(app, order)
    assert books(app) == {}
    assert left_in_lots(app) == [0, 0]


def test_a_refund_that_the_dispute_refuses_is_held_for_the_dispute_instead(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")  # the shop has not heard of it
    with app.app_context():
        assert refund(order.id, 500, clock.now()).state == "failed"
    assert shop.credit_of(person) == 2100
    sync(app, order)
    assert shop.credit_of(person) == 0
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    sync(app, order)
    assert shop.credit_of(person) == 2100


def test_a_refund_that_is_refused_after_the_dispute_was_lost_gives_no_credit_back(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        refund_id = reserve(session, order.id, None, origin="staff", at=clock.now())
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)
    with app.app_context():
        send(refund_id)
    for _ in range(2):
        sync(app, order)
    assert (shop.credit_of(person), books(app)) == (0, {})


def test_credit_that_comes_back_to_a_lost_payment_cannot_be_spent_meanwhile(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        refund_id = reserve(session, order.id, 1500, origin="staff", at=clock.now())
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)
    with app.app_context():
        send(refund_id)  # refused; no job ran since
    assert (shop.credit_of(person), books(app)) == (0, {})


@pytest.mark.parametrize("has_come_back", [False, True])
def test_won_after_it_was_lost_everything_is_booked_back(
    app: Flask, shop: Shop, sandbox: str, has_come_back: bool
) -> None:
    """Also what was spent then and came back since, to make the loss smaller."""
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    shop.film()
    rent(shop, person, "la-sociale")
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)
    if has_come_back:
        with app.app_context(), transaction() as session:
            undo_rental(session, person.id, person.wallet_id, "la-sociale", clock.now())
    assert shop.credit_of(person) == 0
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    for _ in range(2):
        sync(app, order)
    assert left_in_lots(app) == ([2000, 100] if has_come_back else [1750, 0])
    assert books(app)["stripe_clearing"] == 2000
    assert not {"bad_debts", "dispute_claims", "held_value", "held_bonus"} & {*books(app)}
    assert alerts(app) == ["dispute_opened", "dispute_lost", "dispute_won"]


@pytest.mark.parametrize("step", ["locked", "booked", "settled"])
def test_killed_at_any_step_it_is_booked_once(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    order = bought(app, shop.signed_in(shop.customer()), sandbox)
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
        assert is_killed_at(app, f"dispute.{step}", lambda: sync(app, order))
        sync(app, order)
    assert books(app) == {}
