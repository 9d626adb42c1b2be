"""Money that goes back: reserved, asked for under our key, booked once, and restored when it does not arrive."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.checkout.models import Order, Receipt, Refund
from store.checkout.refund import NothingToRefund, refund, reserve, send, settle_debt
from store.checkout.sync import sync_payment
from store.db import db, transaction
from store.gateways.stripe_gateway import StripeUnavailable, refunds_of
from store.ledger.balance import is_frozen
from store.prepaid_cards.models import PrepaidCard
from tests.checkout.purchases import alerts, books, bought, count, left_in_lots
from tests.checkout.stripe_side import act, pay
from tests.checkout.test_buying_a_card import do_jobs, notify, order_card
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Person, Shop, csrf_of

pytestmark = both_engines


def pay_back(app: Flask, order: Order, cents: int | None = None) -> str:
    """Refund by the shop; returns the state."""
    with app.app_context():
        return refund(order.id, cents, clock.now()).state


def sync(app: Flask, order: Order) -> None:
    with app.app_context():
        sync_payment(order.stripe_payment_intent_id)


def rent(shop: Shop, person: Person, slug: str) -> None:
    client = shop.signed_in(person)
    token = csrf_of(client, f"/films/{slug}")
    assert client.post(f"/films/{slug}/louer", data={"csrf_token": token}).location == f"/films/{slug}/voir"


def test_a_card_is_paid_back_and_its_bonus_ends(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    assert pay_back(app, order) == "succeeded"
    assert shop.credit_of(person) == 0
    assert books(app) == {}
    with pytest.raises(NothingToRefund):
        pay_back(app, order)


def test_two_equal_partial_refunds_both_happen(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    assert [pay_back(app, order, 500), pay_back(app, order, 500)] == ["succeeded", "succeeded"]
    assert left_in_lots(app) == [1000, 50]  # half the price earns half the bonus
    assert books(app)["stripe_clearing"] == 1000
    assert alerts(app) == []


def test_only_what_is_left_of_the_card_is_paid_back(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    shop.film()
    shop.credit(person, 5000)
    rent(shop, person, "la-sociale")
    with pytest.raises(NothingToRefund) as refusal:
        pay_back(app, order, 1751)
    assert refusal.value.left_cents == 1750
    assert pay_back(app, order) == "succeeded"
    assert left_in_lots(app) == [0, 0, 5000]


def test_stripe_fails_after_it_committed_and_there_is_one_refund(app: Flask, shop: Shop, sandbox: str) -> None:
    order = bought(app, shop.signed_in(shop.customer()), sandbox)
    act(sandbox, "faults", next="500_after_commit")
    assert pay_back(app, order, 500) == "succeeded"
    sync(app, order)
    assert count(app, Refund) == 1
    assert books(app)["stripe_clearing"] == 1500


@pytest.mark.parametrize("step", ["reserved", "made", "locked", "booked", "settled"])
def test_killed_at_any_step_there_is_one_refund(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)

    def ask() -> None:
        refund(order.id, 500, clock.now())

    assert is_killed_at(app, f"refund.{step}", ask)
    do_jobs(app)  # the reservation asked for this one
    sync(app, order)
    assert count(app, Refund) == 1
    assert left_in_lots(app) == [1500, 75]
    assert books(app)["stripe_clearing"] == 1500


def test_what_is_reserved_cannot_be_spent_and_a_refund_that_fails_restores_it(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    session_id = order_card(client := shop.signed_in(person))
    pay(sandbox, session_id, "4000000000007726")  # its refunds are pending
    client.get(f"/paiement/retour?session_id={session_id}")
    with app.app_context():
        order = db.session.scalars(select(Order)).one()
    assert pay_back(app, order) == "pending"
    assert shop.credit_of(person) == 0
    assert count(app, Receipt) == 1
    with app.app_context():
        stripe_id = db.session.scalars(select(Refund.stripe_refund_id)).one()
    act(sandbox, f"settle/{stripe_id}", outcome="failed")
    sync(app, order)
    sync(app, order)
    assert shop.credit_of(person) == 2100
    assert books(app)["stripe_clearing"] == 2000
    assert alerts(app) == ["refund_failed"]
    do_jobs(app)
    assert sum(b"refund_failed" in path.name.encode() for path in Path(app.instance_path, "mail").glob("*.eml")) == 1


def test_a_refund_that_fails_after_it_succeeded_is_undone_and_the_sale_stands_again(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    assert pay_back(app, order, 1200) == "succeeded"
    with app.app_context():
        stripe_id = db.session.scalars(select(Refund.stripe_refund_id)).one()
    act(sandbox, f"settle/{stripe_id}", outcome="failed")
    sync(app, order)
    assert shop.credit_of(person) == 2100
    assert books(app)["stripe_clearing"] == 2000
    with app.app_context():
        papers = db.session.execute(select(Receipt.series, Receipt.total_cents).order_by(Receipt.id)).all()
    assert papers == [("sale", 2000), ("credit_note", 1200), ("sale", 1200)]


def test_a_refund_in_the_dashboard_takes_what_is_left_and_staff_are_told(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    act(sandbox, f"refund/{order.stripe_payment_intent_id}", amount=500)
    sync(app, order)
    sync(app, order)
    assert left_in_lots(app) == [1500, 75]
    assert alerts(app) == ["refund_outside"]
    rented_after = shop.film()
    assert rented_after
    rent(shop, person, "la-sociale")


def test_a_refund_in_the_dashboard_above_what_is_left_freezes_the_wallet(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    for slug in ("la-sociale", "merci-patron"):
        shop.film(slug)
        rent(shop, person, slug)
    act(sandbox, f"refund/{order.stripe_payment_intent_id}", amount=2000)
    sync(app, order)
    assert left_in_lots(app) == [0, 0]
    assert books(app)["customer_debts"] == 600
    assert alerts(app) == ["refund_beyond_credit"]
    shop.credit(person, 1000)
    with app.app_context(), transaction() as session:
        assert is_frozen(session, person.wallet_id)
        refund_id = session.scalars(select(Refund.id)).one()
        assert settle_debt(session, refund_id, was_paid=True, at=clock.now()) == 600
        assert settle_debt(session, refund_id, was_paid=True, at=clock.now()) == 0
    assert "customer_debts" not in books(app)
    with app.app_context(), transaction() as session:
        assert not is_frozen(session, person.wallet_id)


def test_a_refund_heard_of_before_its_payment_nets_to_nothing(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client)
    pay(sandbox, session_id)
    with app.app_context():
        from_stripe = act_of_payment(sandbox, session_id)
    act(sandbox, f"refund/{from_stripe}")
    body = (
        '{"id": "evt_early", "object": "event", "type": "refund.created", "data": {"object":'
        f' {{"id": "re_x", "object": "refund", "payment_intent": "{from_stripe}"}}}}}}'
    )
    assert notify(client, body.encode()) == 200
    do_jobs(app)
    assert shop.credit_of(person) == 0
    assert books(app) == {}


def act_of_payment(sandbox: str, session_id: str) -> str:
    """The payment behind a Session, as the bank knows it."""
    import stripe

    client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": sandbox})
    return client.v1.checkout.sessions.retrieve(session_id).payment_intent


def test_a_gift_that_nobody_used_is_worth_less_and_then_nothing(app: Flask, shop: Shop, sandbox: str) -> None:
    giver = shop.signed_in(shop.customer())
    order = bought(app, giver, sandbox, pour="cadeau", recipient_name="Paul", recipient_email="paul@example.org")
    assert pay_back(app, order, 500) == "succeeded"
    with app.app_context():
        card = db.session.scalars(select(PrepaidCard)).one()
        assert (card.paid_left_cents, card.bonus_left_cents) == (1500, 75)
    assert books(app) == {"stripe_clearing": 1500, "unredeemed_cards": -1500}
    assert pay_back(app, order) == "succeeded"
    assert books(app) == {}
    assert 'data-gift-state="refunded"' in giver.get("/compte/cartes").text


def test_while_stripe_is_away_the_refund_waits_reserved(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        refund_id = reserve(session, order.id, 2000, origin="staff", at=clock.now())
    act(sandbox, "faults", next="500", count=3)  # the SDK tries three times
    with app.app_context(), pytest.raises(StripeUnavailable):
        send(refund_id)
    assert shop.credit_of(person) == 0
    do_jobs(app)
    assert books(app) == {}


def test_a_key_that_stripe_has_forgotten_makes_no_second_refund(app: Flask, shop: Shop, sandbox: str) -> None:
    order = bought(app, shop.signed_in(shop.customer()), sandbox)
    assert is_killed_at(app, "refund.made", lambda: refund(order.id, 500, clock.now()))
    act(sandbox, "clock", advance_s=2 * 86_400)
    with app.app_context():
        send(db.session.scalars(select(Refund.id)).one())
        assert len(refunds_of(order.stripe_payment_intent_id)) == 1
    assert books(app)["stripe_clearing"] == 1500


def test_a_refund_of_the_dashboard_beside_a_reserved_one_leaves_no_debt(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        refund_id = reserve(session, order.id, None, origin="staff", at=clock.now())
    act(sandbox, f"refund/{order.stripe_payment_intent_id}")
    sync(app, order)
    assert books(app)["customer_debts"] == 2000  # for now: the card's value is still set aside for the other
    with app.app_context():
        send(refund_id)
    assert shop.credit_of(person) == 0
    assert books(app) == {}
    with app.app_context(), transaction() as session:
        assert not is_frozen(session, person.wallet_id)


@pytest.mark.parametrize(("was_paid", "credit", "in_the_books"), [(True, 2100, {"till": 2000}), (False, 0, {})])
def test_a_debt_that_was_ended_too_early_costs_nobody_anything(
    app: Flask, shop: Shop, sandbox: str, was_paid: bool, credit: int, in_the_books: dict[str, int]
) -> None:
    """It was ended while another refund, which Stripe then refused, held all that was left."""
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        refund_id = reserve(session, order.id, None, origin="staff", at=clock.now())
    act(sandbox, f"refund/{order.stripe_payment_intent_id}")
    sync(app, order)
    with app.app_context():
        with transaction() as session:
            owed = session.scalars(select(Refund.id).where(Refund.origin == "stripe")).one()
            assert settle_debt(session, owed, was_paid=was_paid, at=clock.now()) == 2000
        send(refund_id)
    assert shop.credit_of(person) == credit
    left = books(app)
    assert {
        account: cents for account, cents in left.items() if account in ("till", "bad_debts", "customer_debts")
    } == in_the_books


def test_a_debt_that_was_paid_is_credit_again_when_its_refund_fails(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    shop.film()
    rent(shop, person, "la-sociale")  # 1.00 of bonus, 2.50 of what was paid
    act(sandbox, f"refund/{order.stripe_payment_intent_id}", amount=2000)
    sync(app, order)
    with app.app_context(), transaction() as session:
        known = session.scalars(select(Refund)).one()
        assert settle_debt(session, known.id, was_paid=True, at=clock.now()) == 250
    act(sandbox, f"settle/{known.stripe_refund_id}", outcome="failed")
    sync(app, order)
    assert shop.credit_of(person) == 2000
    assert books(app)["stripe_clearing"] == 2000
    assert books(app)["till"] == 250


def test_refunds_and_spends_at_once_never_give_more_than_there_was(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)

    def ask(_: int) -> str:
        try:
            return pay_back(app, order, 700)
        except NothingToRefund:
            return "refused"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(ask, range(6)))
    assert sorted(outcomes) == ["refused"] * 4 + ["succeeded"] * 2
    assert books(app)["stripe_clearing"] == 600
