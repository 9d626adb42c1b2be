"""A bank debit is announced, and pays or fails days later; until then nothing is credited and nothing is called an error."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store import clock
from store.checkout.fulfil import FAILED, LAPSED, PROCESSING, SETTLED, UNPAID, settle
from store.checkout.models import Order
from store.checkout.reconcile import reconcile
from store.checkout.start import SESSION_LIFE
from store.db import db, transaction
from tests.checkout.own_sandbox import OwnSandbox
from tests.checkout.stripe_side import ASKS_THE_BANK, announce_debit, end_debit, pay
from tests.checkout.test_buying_a_card import completed_event, do_jobs, lots, notify, order_card
from tests.checkout.test_gap import FILM, PAYER, come_back, held, order_gap
from tests.checkout.test_giving_a_card import letters
from tests.conftest import both_engines
from tests.shop import Person, Shop, csrf_of

pytestmark = both_engines


@pytest.fixture
def person(shop: Shop) -> Person:
    """Who has 2.10 of credit, in a shop with a film for 3.50."""
    shop.film()
    return shop.customer(credit=210)


@pytest.fixture
def client(shop: Shop, person: Person) -> FlaskClient:
    return shop.signed_in(person)


def state_of(app: Flask, session_id: str) -> str:
    with app.app_context():
        return db.session.scalars(select(Order.state).where(Order.stripe_session_id == session_id)).one()


def settle_now(app: Flask, session_id: str) -> str:
    with app.app_context():
        return settle(session_id)


def tell(app: Flask, session_id: str, kind: str) -> None:
    """Stripe's notice comes, and the worker does what follows."""
    assert notify(app.test_client(), completed_event(session_id, f"evt_{kind}", kind)) == 200
    do_jobs(app)


def test_announced_then_paid(app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient) -> None:
    session_id = order_card(client)
    intent = announce_debit(sandbox, session_id)
    tell(app, session_id, "completed")
    assert state_of(app, session_id) == "processing"
    page = come_back(client, session_id)
    assert page.status_code == 200
    assert 'data-order-state="processing"' in page.text and 'http-equiv="refresh"' in page.text
    assert 'role="alert"' not in page.text
    for address in ("/compte/credit", "/compte/cartes"):
        listed = client.get(address).text
        assert 'data-order-state="processing"' in listed and f"session_id={session_id}" in listed
    assert (shop.credit_of(person), letters(app, person.email)) == (210, [])
    end_debit(sandbox, intent, "succeeded")
    tell(app, session_id, "async_payment_succeeded")
    assert (state_of(app, session_id), shop.credit_of(person)) == ("paid", 2310)
    assert len(letters(app, person.email)) == 1
    assert "data-order-state" not in client.get("/compte/cartes").text


def test_announced_then_failed(app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient) -> None:
    session_id = order_card(client)
    intent = announce_debit(sandbox, session_id)
    tell(app, session_id, "completed")
    end_debit(sandbox, intent, "failed")
    tell(app, session_id, "async_payment_failed")
    assert (state_of(app, session_id), shop.credit_of(person)) == ("failed", 210)
    [letter] = letters(app, person.email)
    assert "20,00" in letter and "Rien n’a été débité" in letter and "/cartes" in letter
    page = come_back(client, session_id)
    assert page.status_code == 200 and 'data-order-state="failed"' in page.text and 'href="/cartes"' in page.text
    tell(app, session_id, "completed")  # which comes late
    assert (state_of(app, session_id), len(letters(app, person.email))) == ("failed", 1)


def test_the_film_comes_with_the_debit(
    app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient
) -> None:
    session_id = order_gap(client)
    intent = announce_debit(sandbox, session_id)
    page = come_back(client, session_id)
    assert 'data-order-state="processing"' in page.text and "La Sociale" in page.text
    assert client.get(PAYER).location == f"/paiement/retour?session_id={session_id}"  # nobody pays twice for one film
    pressed = client.post(PAYER, data={"csrf_token": csrf_of(client, "/compte")})
    assert pressed.location == f"/paiement/retour?session_id={session_id}"
    assert "La Sociale" in client.get("/compte/credit").text
    end_debit(sandbox, intent, "succeeded")
    tell(app, session_id, "async_payment_succeeded")
    assert held(app) == [(person.id, "rental", 350)]
    assert come_back(client, session_id).location == f"{FILM}/voir"


def test_a_debit_that_failed_leads_back_to_the_film(
    app: Flask, sandbox: str, person: Person, client: FlaskClient
) -> None:
    session_id = order_gap(client)
    end_debit(sandbox, announce_debit(sandbox, session_id), "failed")
    assert f'href="{PAYER}"' in come_back(client, session_id).text
    do_jobs(app)
    assert FILM in letters(app, person.email)[0]
    assert client.get(PAYER).status_code == 200


@pytest.mark.parametrize("kind", ["completed", "async_payment_succeeded", "async_payment_failed", "expired"])
def test_what_stripe_says_decides_not_the_notice(
    app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient, kind: str
) -> None:
    untouched, under_way, paid = (order_card(client, "10") for _ in range(3))
    announce_debit(sandbox, under_way)
    pay(sandbox, paid)
    for number, session_id in enumerate((untouched, under_way, paid)):
        assert notify(app.test_client(), completed_event(session_id, f"evt_{number}", kind)) == 200
    do_jobs(app)
    assert [state_of(app, session_id) for session_id in (untouched, under_way, paid)] == [
        "pending",
        "processing",
        "paid",
    ]
    assert shop.credit_of(person) == 1210


def test_an_order_lapses_with_its_session_and_is_credited_if_paid_all_the_same(
    app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient
) -> None:
    session_id, other = order_card(client), order_card(client, "10")
    expire(app, session_id)
    tell(app, session_id, "expired")
    assert state_of(app, session_id) == "lapsed"
    page = come_back(client, session_id)
    assert page.status_code == 200 and 'data-order-state="lapsed"' in page.text
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(state="lapsed"))
    pay(sandbox, other)
    tell(app, other, "completed")
    assert (state_of(app, other), shop.credit_of(person)) == ("paid", 1210)


def expire(app: Flask, session_id: str) -> None:
    """Stripe closes the Session before its time."""
    with app.app_context():
        app.extensions["stripe_client"].v1.checkout.sessions.expire(session_id)


def test_what_came_of_it(app: Flask, shop: Shop, sandbox: str, client: FlaskClient) -> None:
    open_, late, announced, refused, honoured = (order_card(client, "10") for _ in range(5))
    expire(app, late)
    announce_debit(sandbox, announced)
    end_debit(sandbox, announce_debit(sandbox, refused), "failed")
    end_debit(sandbox, announce_debit(sandbox, honoured), "succeeded")
    outcomes = [settle_now(app, session_id) for session_id in (open_, late, announced, refused, honoured)]
    assert outcomes == [UNPAID, LAPSED, PROCESSING, FAILED, SETTLED]


@pytest.mark.parametrize(("outcome", "state", "credit"), [("succeeded", "paid", 2310), ("failed", "failed", 210)])
def test_the_reconciler_finds_what_no_notice_told(
    app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient, outcome: str, state: str, credit: int
) -> None:
    session_id = order_card(client)
    intent = announce_debit(sandbox, session_id)
    with app.app_context():
        past_its_hour = clock.now() + 2 * SESSION_LIFE
        list(reconcile(clock.now() - SESSION_LIFE, past_its_hour))
    assert state_of(app, session_id) == "processing"
    end_debit(sandbox, intent, outcome)
    with app.app_context():
        list(reconcile(clock.now() - SESSION_LIFE, past_its_hour))
    assert (state_of(app, session_id), shop.credit_of(person)) == (state, credit)


def test_a_debit_under_way_counts_for_the_limit(app: Flask, shop: Shop, sandbox: str, client: FlaskClient) -> None:
    announce_debit(sandbox, session_id := order_card(client, "100", combien="2"))
    tell(app, session_id, "completed")
    app.config["SHOP_CLOCK_OFFSET_S"] = 86_400
    answer = client.post("/cartes/acheter", data={"csrf_token": csrf_of(client, "/cartes"), "denomination": "50"})
    assert answer.status_code == 422 and "23,90" in answer.text


def test_a_bank_that_asks_for_a_confirmation(
    app: Flask, shop: Shop, sandbox: str, person: Person, client: FlaskClient
) -> None:
    session_id = order_gap(client)
    assert pay(sandbox, session_id, ASKS_THE_BANK) == "paid"
    assert come_back(client, session_id).location == f"{FILM}/voir"
    assert (held(app), lots(app)[-1]) == ([(person.id, "rental", 350)], 140)


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_debit_under_way_is_no_difference(own_app: Flask, own: OwnSandbox, outcome: str) -> None:
    shop = Shop(own_app)
    session_id = order_card(shop.signed_in(shop.customer()))
    intent = announce_debit(own.url, session_id)
    with own_app.app_context():
        since = clock.now() - SESSION_LIFE
        assert list(reconcile(since, clock.now())) == []
        end_debit(own.url, intent, outcome)
        list(reconcile(since, clock.now()))
        assert list(reconcile(since, clock.now())) == []
