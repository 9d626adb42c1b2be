"""Buying a card, over HTTP, with the unmodified SDK and the sandbox: whatever comes, in whatever order, one credit."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from store import clock
from store.checkout.models import Order, WebhookEvent
from store.checkout.start import Purchase, place_order
from store.db import db, transaction
from store.jobs.models import Job
from store.jobs.work import run_next
from store.ledger.models import Lot
from store.ledger.reconcile import differences
from tests.checkout.stripe_side import pay, signed
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

pytestmark = both_engines


def order_card(client: FlaskClient, denomination: str = "20", **fields: str) -> str:
    """Press the button; returns the Session's id from Stripe's address."""
    data = {"denomination": denomination, "pour": "moi", "csrf_token": csrf_of(client, "/cartes"), **fields}
    answer = client.post("/cartes/acheter", data=data)
    assert answer.status_code == 303, answer.text
    return re.search(r"cs_test_\w+", answer.location).group()


def completed_event(session_id: str, event_id: str = "evt_1", kind: str = "completed") -> bytes:
    """The body of Stripe's notice."""
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": f"checkout.session.{kind}",
            "data": {"object": {"id": session_id, "object": "checkout.session"}},
        }
    ).encode()


def notify(
    client: FlaskClient, body: bytes, secret: str = "whsec_sandbox", age_s: int = 0, sent: bytes | None = None
) -> int:
    """Send a signed event; returns the answer's status."""
    headers = signed(body, secret, age_s)
    return client.post("/stripe/webhook", data=body if sent is None else sent, headers=headers).status_code


def do_jobs(app: Flask) -> None:
    with app.app_context():
        while run_next("test", "prompt"):
            pass


def lots(app: Flask) -> list[int]:
    with app.app_context():
        assert list(differences(db.session)) == []
        return list(db.session.scalars(select(Lot.initial).order_by(Lot.id)))


def test_paid_and_back_the_credit_is_there(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client)
    assert pay(sandbox, session_id) == "paid"
    page = client.get(f"/paiement/retour?session_id={session_id}")
    assert page.status_code == 200
    assert "21,00" in page.text
    assert shop.credit_of(person) == 2100
    assert lots(app) == [2000, 100]
    assert 'data-credit-cents="2100"' in client.get("/compte/credit").text


def test_the_confirmation_goes_out_once(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    pay(sandbox, session_id)
    client.get(f"/paiement/retour?session_id={session_id}")
    assert notify(client, completed_event(session_id)) == 200
    do_jobs(app)
    [letter] = Path(app.instance_path, "mail").glob("*.eml")
    assert b"jeanne@example.org" in letter.read_bytes()


def test_declined_nothing_is_credited_and_another_card_may_pay(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client)
    assert pay(sandbox, session_id, "4000000000000002") == "declined"
    assert "21,00" not in client.get(f"/paiement/retour?session_id={session_id}").text.split("<main")[0]
    assert shop.credit_of(person) == 0
    pay(sandbox, session_id)
    client.get(f"/paiement/retour?session_id={session_id}")
    assert shop.credit_of(person) == 2100


def test_webhook_and_return_page_at_once_make_one_credit(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    pay(sandbox, session_id)
    notify(client, completed_event(session_id))
    barrier = threading.Barrier(6)

    def come_back() -> None:
        barrier.wait()
        assert client.get(f"/paiement/retour?session_id={session_id}").status_code == 200

    def work() -> None:
        barrier.wait()
        do_jobs(app)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(task) for task in (come_back, work) * 3]:
            done.result()
    assert lots(app) == [2000, 100]


def test_the_webhook_twice_makes_one_credit(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_id = order_card(client)
    pay(sandbox, session_id)
    for event_id in ("evt_1", "evt_1", "evt_2"):
        assert notify(client, completed_event(session_id, event_id)) == 200
    do_jobs(app)
    assert lots(app) == [2000, 100]
    with app.app_context():
        assert db.session.scalar(select(func.count(WebhookEvent.id))) == 2


def test_without_webhook_and_browser_the_reconciler_credits_once(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    session_id = order_card(shop.signed_in(person))
    pay(sandbox, session_id)
    with app.app_context():
        since = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%d")
    run = app.test_cli_runner()
    first = run.invoke(args=["payments", "reconcile", "--since", since])
    assert first.exit_code == 1
    assert f"{session_id}: was paid and not credited; settled now" in first.output
    assert session_id not in run.invoke(args=["payments", "reconcile", "--since", since]).output
    assert shop.credit_of(person) == 2100


@pytest.mark.parametrize("fault", ["secret", "stale", "body", "empty", "unsigned"])
def test_what_stripe_did_not_sign_is_refused(app: Flask, shop: Shop, sandbox: str, fault: str) -> None:
    client = app.test_client()
    body = completed_event("cs_test_x")
    if fault == "secret":
        assert notify(client, body, secret="whsec_other") == 400
    elif fault == "stale":
        assert notify(client, body, age_s=301) == 400
    elif fault == "body":
        assert notify(client, body, sent=json.dumps(json.loads(body), indent=1).encode()) == 400
    elif fault == "empty":
        assert notify(client, b"{}") == 400
    else:
        assert client.post("/stripe/webhook", data=body).status_code == 400
    with app.app_context():
        assert db.session.scalar(select(func.count(WebhookEvent.id))) == 0
        assert db.session.scalar(select(func.count(Job.id))) == 0


def test_either_of_two_secrets_signs(app: Flask, shop: Shop, sandbox: str) -> None:
    assert notify(app.test_client(), completed_event("cs_test_x"), secret="whsec_old") == 200


@pytest.mark.parametrize(
    "changed", [{"price_cents": 1000, "credit_cents": 1000}, {"currency": "USD"}, {"key": "other"}]
)
def test_another_sum_currency_or_reference_is_not_credited(app: Flask, shop: Shop, sandbox: str, changed: dict) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    session_id = order_card(client)
    with app.app_context(), transaction() as session:
        session.execute(update(Order).values(**changed))
    pay(sandbox, session_id)
    assert client.get(f"/paiement/retour?session_id={session_id}").status_code == 200
    assert shop.credit_of(person) == 0


def test_somebody_elses_session_shows_nothing(app: Flask, shop: Shop, sandbox: str) -> None:
    owner, other = shop.customer(), shop.customer("paul@example.org")
    session_id = order_card(shop.signed_in(owner))
    pay(sandbox, session_id)
    browser = shop.signed_in(other)
    answers = {browser.get(f"/paiement/retour?session_id={x}").status_code for x in (session_id, "cs_test_none", "")}
    assert answers == {404}
    assert shop.credit_of(owner) == shop.credit_of(other) == 0


def test_one_form_sent_twice_is_one_order(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    key = re.search(r'name="form_key" value="(\w+)"', client.get("/cartes").text).group(1)
    assert order_card(client, form_key=key) == order_card(client, form_key=key)
    assert order_card(client) != order_card(client)


def test_a_wallet_takes_no_more_than_its_limit(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer(credit=20000)
    client = shop.signed_in(person)
    data = {"denomination": "50", "csrf_token": csrf_of(client, "/cartes")}
    order_card(client, "20")
    answer = client.post("/cartes/acheter", data=data)
    assert answer.status_code == 422
    assert "29,00" in answer.text


def test_an_order_whose_session_was_never_made_is_placed_anew_forty_minutes_later(app: Flask, shop: Shop) -> None:
    person, form_key = shop.customer(), "0" * 32
    purchase = Purchase(person.id, person.wallet_id, person.email, "self", 2000, 2100, form_key=form_key)
    with app.app_context(), transaction() as session:
        place_order(session, purchase, "EUR", clock.now() - timedelta(minutes=40))
    order_card(shop.signed_in(person), form_key=form_key)
    with app.app_context():
        assert db.session.scalar(select(func.count(Order.id))) == 2
