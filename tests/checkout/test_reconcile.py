"""Agreement with Stripe: what was missed is made up for and named once; then the books and Stripe's balance are the same."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update

from store import clock
from store.audit.models import Alert
from store.checkout.models import Order, Refund
from store.checkout.reconcile import reconcile
from store.checkout.refund import refund, reserve
from store.checkout.sync import sync_payment
from store.db import db, transaction
from tests.checkout.purchases import alerts, books, bought
from tests.checkout.stripe_side import act, announce_debit, end_debit, pay
from tests.checkout.test_buying_a_card import completed_event, do_jobs, notify, order_card
from tests.conftest import both_engines
from tests.shop import Shop

pytestmark = both_engines


def differences(app: Flask, later: timedelta = timedelta(0)) -> list[str]:
    """What a comparison of the last hour finds, now or a little later."""
    with app.app_context():
        now = clock.now() + later
        return list(reconcile(now - timedelta(hours=1), now))


def of_this_shop(found: list[str]) -> list[str]:
    """The sandbox serves all tests: what others left there is of no order of this shop."""
    return [
        sentence for sentence in found if "no order of this shop" not in sentence and "clearing account" not in sentence
    ]


def test_fees_and_payouts_follow_and_a_second_look_finds_nothing(app: Flask, shop: Shop, sandbox: str) -> None:
    bought(app, shop.signed_in(shop.customer()), sandbox)
    before = books(app)["stripe_clearing"]
    assert of_this_shop(differences(app)) == []
    after = books(app)
    assert before == 2000
    assert after["stripe_fees"] >= 55  # 1.5 % and 25 cents of this payment; others' on the same account beside it
    assert of_this_shop(differences(app)) == []
    assert books(app) == after


def test_a_refund_and_a_dispute_that_nobody_told_us_of_are_booked(app: Flask, shop: Shop, sandbox: str) -> None:
    first = bought(app, shop.signed_in(shop.customer()), sandbox)
    second = bought(app, shop.signed_in(shop.customer("paul@example.org")), sandbox)
    act(sandbox, f"refund/{first.stripe_payment_intent_id}", amount=700)
    act(sandbox, f"dispute/{second.stripe_payment_intent_id}", outcome="open")
    found = of_this_shop(differences(app))
    assert len(found) == 2
    assert "succeeded" in found[0] and "open" in found[1]
    assert of_this_shop(differences(app)) == []
    assert {*alerts(app)} >= {"dispute_opened", "refund_outside"}


def test_a_refund_that_was_reserved_and_not_sent_is_sent(app: Flask, shop: Shop, sandbox: str) -> None:
    order = bought(app, shop.signed_in(shop.customer()), sandbox)
    with app.app_context(), transaction() as session:
        reserve(session, order.id, 500, origin="staff", at=clock.now())
    assert of_this_shop(differences(app)) == []  # whoever asked for it is about to
    [found] = of_this_shop(differences(app, timedelta(minutes=10)))
    assert "asked now" in found
    with app.app_context():
        assert db.session.scalars(select(Refund.state)).one() == "succeeded"
    assert of_this_shop(differences(app)) == []


def test_a_refund_that_a_known_dispute_refuses_gives_no_credit(app: Flask, shop: Shop, sandbox: str) -> None:
    """The reconciler sends what was reserved before the bank came, and the dispute takes it: whether a worker runs or not."""
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    with app.app_context(), transaction() as session:
        reserve(session, order.id, 500, origin="staff", at=clock.now())
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    with app.app_context():
        sync_payment(order.stripe_payment_intent_id)
    [found] = of_this_shop(differences(app, timedelta(minutes=10)))
    assert "asked now" in found
    assert shop.credit_of(person) == 0
    assert {*books(app)} <= {"stripe_clearing", "stripe_fees", "bank"}


def test_what_we_booked_and_stripe_does_not_know_is_named(app: Flask, shop: Shop, sandbox: str) -> None:
    order = bought(app, shop.signed_in(shop.customer()), sandbox)
    with app.app_context():
        refund(order.id, 500, clock.now())
        with transaction() as session:
            session.execute(update(Refund).values(stripe_refund_id="re_invented"))
            session.execute(update(Order).values(stripe_session_id="cs_invented"))
    found = " ".join(differences(app))
    assert "does not list cs_invented as paid" in found
    assert "of no order of this shop" in found or "does not list re_invented" in found


def test_a_debit_under_way_is_no_difference_and_neither_is_one_that_failed(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    intent = announce_debit(sandbox, order_card(client))
    assert of_this_shop(differences(app)) == []
    end_debit(sandbox, intent, "failed")
    assert of_this_shop(differences(app)) == []
    assert shop.credit_of(person) == 0


def test_a_payment_for_another_shops_order_gives_nothing_and_staff_are_told_once(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(key="of-another-shop"))
    pay(sandbox, session_id)
    for event_id in ("evt_1", "evt_2"):
        assert notify(client, completed_event(session_id, event_id)) == 200
    do_jobs(app)
    assert alerts(app) == ["payment_for_unknown_order"]
    staff = shop.signed_in(shop.staff())
    assert session_id in staff.get("/equipe/alertes").text
    assert books(app) == {}


def test_another_amount_gives_nothing_and_staff_see_both_sums(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(price_cents=1900, credit_cents=2000))
    pay(sandbox, session_id)
    assert notify(client, completed_event(session_id)) == 200
    do_jobs(app)
    with app.app_context():
        facts = db.session.scalars(select(Alert.facts).where(Alert.kind == "payment_mismatch")).one()
    assert (facts["amount"], facts["expected"]) == (2000, 1900)
    assert books(app) == {}
