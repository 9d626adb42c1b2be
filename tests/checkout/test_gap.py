"""Too little credit for a film: what is missing is paid, and the film is there; or the credit stays, and it is said why."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store import clock
from store.catalogue.models import Film
from store.checkout.grant_film import grant_film
from store.checkout.models import Order
from store.checkout.reconcile import reconcile
from store.customers.models import Customer
from store.db import db, transaction
from store.gateways.stripe_gateway import fetch_session
from store.ledger.post import freeze, lock_wallet
from store.ledger.reconcile import differences
from store.rentals.models import Entitlement
from tests.checkout.stripe_side import IS_DECLINED, pay
from tests.checkout.test_buying_a_card import completed_event, do_jobs, lots, notify, order_card
from tests.checkout.test_giving_a_card import letters
from tests.conftest import both_engines
from tests.shop import Person, Shop, csrf_of

pytestmark = both_engines

FILM = "/films/la-sociale"
PAYER = f"{FILM}/payer"
BUY = f"{PAYER}?acte=acheter"


@pytest.fixture
def person(shop: Shop) -> Person:
    """Who has 2.10 of credit, in a shop with a film for 3.50 and with other customers."""
    shop.customer("paul@example.org", credit=5000)
    shop.film()
    return shop.customer(credit=210)


def order_gap(client: FlaskClient, page: str = PAYER, **fields: str) -> str:
    """Press the button of the page; returns the Session's id from Stripe's address."""
    answer = client.post(page, data={"csrf_token": csrf_of(client, page), **fields})
    assert answer.status_code == 303, answer.text
    return re.search(r"cs_test_\w+", answer.location).group()


def come_back(client: FlaskClient, session_id: str):
    return client.get(f"/paiement/retour?session_id={session_id}")


def held(app: Flask) -> list[tuple[int, str, int]]:
    """Who holds what, at which price; the books must be right."""
    with app.app_context():
        assert list(differences(db.session)) == []
        rows = db.session.execute(
            select(Entitlement.customer_id, Entitlement.kind, Entitlement.price_cents).order_by(Entitlement.id)
        )
        return [tuple(row) for row in rows]


def orders(app: Flask) -> list[Order]:
    with app.app_context():
        return list(db.session.scalars(select(Order).order_by(Order.id)))


def change_film(app: Flask, **values: object) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(**values))


def amount_of(app: Flask, session_id: str) -> int:
    with app.app_context():
        return fetch_session(session_id).amount


def test_what_is_missing_is_paid_and_the_film_is_there(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    sent_on = client.post(f"{FILM}/louer", data={"csrf_token": csrf_of(client, FILM)})
    assert (sent_on.status_code, sent_on.location) == (303, PAYER)
    page = client.get(PAYER).text
    assert 'data-gap-cents="140"' in page
    assert all(words in page for words in ("3,50", "2,10", "Payer 1,40\xa0€ et louer", "/cartes?film=la-sociale"))
    session_id = order_gap(client)
    assert amount_of(app, session_id) == 140
    pay(sandbox, session_id)
    back = come_back(client, session_id)
    assert (back.status_code, back.location) == (303, f"{FILM}/voir")
    assert client.get(f"{FILM}/voir").status_code == 200
    assert held(app) == [(person.id, "rental", 350)]
    assert (shop.credit_of(person), lots(app)[-1]) == (0, 140)
    assert "la-sociale" in letters(app, person.email)[-1]
    assert len(letters(app, person.email)) == 2  # of the payment, and of the rental
    assert come_back(client, session_id).location == f"{FILM}/voir"


def test_stripe_takes_no_less_than_half_a_euro(app: Flask, shop: Shop, sandbox: str) -> None:
    shop.film()
    person = shop.customer(credit=320)
    client = shop.signed_in(person)
    page = client.get(PAYER).text
    assert "Il manque 0,30" in page and "0,50" in page and "0,20" in page
    session_id = order_gap(client)
    assert amount_of(app, session_id) == 50
    pay(sandbox, session_id)
    assert come_back(client, session_id).location == f"{FILM}/voir"
    assert shop.credit_of(person) == 20
    assert held(app) == [(person.id, "rental", 350)]


def test_a_film_is_bought_in_the_same_way(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    sent_on = client.post(f"{FILM}/acheter", data={"csrf_token": csrf_of(client, FILM)})
    assert sent_on.location == BUY
    session_id = order_gap(client, BUY)
    assert amount_of(app, session_id) == 690
    pay(sandbox, session_id)
    assert come_back(client, session_id).location == f"{FILM}/voir"
    assert held(app) == [(person.id, "purchase", 900)]


def test_with_enough_credit_nothing_is_ordered(app: Flask, shop: Shop, person: Person) -> None:
    client = shop.signed_in(person)
    token = csrf_of(client, PAYER)
    shop.credit(person, 140)
    for answer in (client.get(PAYER), client.post(PAYER, data={"csrf_token": token})):
        assert (answer.status_code, answer.location) == (303, FILM)
    assert client.get(BUY).status_code == 200
    client.post(f"{FILM}/louer", data={"csrf_token": token})
    assert client.post(PAYER, data={"csrf_token": token}).location == FILM  # who holds it pays nothing either
    assert orders(app) == []


def test_what_cannot_be_sold_has_no_such_page(app: Flask, shop: Shop, person: Person) -> None:
    shop.film("a-venir", playable=False)
    client = shop.signed_in(person)
    token = csrf_of(client, PAYER)
    for slug in ("a-venir", "no-such-film"):
        assert client.get(f"/films/{slug}/payer").status_code == 404
        assert client.post(f"/films/{slug}/payer", data={"csrf_token": token}).status_code == 404


def test_pressing_twice_is_one_order(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    token = csrf_of(client, PAYER)
    barrier = threading.Barrier(4)

    def press(_number: int) -> str:
        barrier.wait()
        return client.post(PAYER, data={"csrf_token": token}).location

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press, range(4)))) == 1
    assert len(orders(app)) == 1
    assert order_gap(client, BUY) != order_gap(client)
    shop.credit(person, 40)
    assert amount_of(app, order_gap(client)) == 100
    assert len(orders(app)) == 3


def test_no_other_sum_is_ordered_than_the_button_named(app: Flask, shop: Shop, person: Person) -> None:
    client = shop.signed_in(person)
    token = csrf_of(client, PAYER)
    for sum_named in ("139", "0", "-140", "x", "9" * 40):
        answer = client.post(PAYER, data={"csrf_token": token, "montant": sum_named})
        assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert orders(app) == []
    order_gap(client, montant="140")


def test_declined_then_paid(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    session_id = order_gap(client)
    assert pay(sandbox, session_id, IS_DECLINED) == "declined"
    waiting = come_back(client, session_id)
    assert waiting.status_code == 200 and 'http-equiv="refresh"' in waiting.text
    assert held(app) == []
    pay(sandbox, session_id)
    assert come_back(client, session_id).location == f"{FILM}/voir"
    assert held(app) == [(person.id, "rental", 350)]


def test_webhook_job_and_return_at_once_rent_once(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    session_id = order_gap(client)
    pay(sandbox, session_id)
    barrier = threading.Barrier(6)

    def return_to_the_shop() -> None:
        barrier.wait()
        assert come_back(client, session_id).location == f"{FILM}/voir"

    def work() -> None:
        barrier.wait()
        notify(app.test_client(), completed_event(session_id))
        do_jobs(app)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(task) for task in (return_to_the_shop, work) * 3]:
            done.result()
    assert held(app) == [(person.id, "rental", 350)]
    assert shop.credit_of(person) == 0
    assert len(letters(app, person.email)) == 2


def by_the_webhook(app: Flask, session_id: str) -> None:
    assert notify(app.test_client(), completed_event(session_id)) == 200


def by_the_reconciler(app: Flask, session_id: str) -> None:
    with app.app_context():
        found = list(reconcile(clock.now() - timedelta(hours=1), clock.now()))
    assert [difference for difference in found if session_id in difference]


@pytest.mark.parametrize("settled", [by_the_webhook, by_the_reconciler])
def test_who_never_comes_back_has_the_film_all_the_same(
    app: Flask, shop: Shop, sandbox: str, person: Person, settled: Callable[[Flask, str], None]
) -> None:
    session_id = order_gap(shop.signed_in(person))
    pay(sandbox, session_id)
    settled(app, session_id)
    do_jobs(app)
    assert held(app) == [(person.id, "rental", 350)]


def spend_on_another(app: Flask, shop: Shop, client: FlaskClient) -> None:
    shop.film("afrique-50", minutes=17)
    client.post("/films/afrique-50/louer", data={"csrf_token": csrf_of(client, "/compte")})


def withdraw(app: Flask, _shop: Shop, _client: FlaskClient) -> None:
    change_film(app, recipe=None)


def rent_meanwhile(app: Flask, _shop: Shop, client: FlaskClient) -> None:
    change_film(app, rent_cents=200)
    client.post(f"{FILM}/louer", data={"csrf_token": csrf_of(client, FILM)})


def freeze_credit(app: Flask, _shop: Shop, _client: FlaskClient) -> None:
    with app.app_context(), transaction() as session:
        wallet_id = session.scalars(select(Customer.wallet_id).where(Customer.email == "jeanne@example.org")).one()
        freeze(session, lock_wallet(session, wallet_id), reference="refund:1", cents=500, at=clock.now())


@pytest.mark.parametrize(
    ("meanwhile", "outcome", "credit", "said", "onward"),
    [
        (spend_on_another, "short", 200, "dépensée entre-temps", FILM),
        (withdraw, "withdrawn", 350, "plus en vente", "/films"),
        (rent_meanwhile, "held", 150, "déjà voir", f"{FILM}/voir"),
        (freeze_credit, "frozen", 350, "gelé", FILM),
    ],
)
def test_what_cannot_be_had_any_more_is_not_charged(
    app: Flask,
    shop: Shop,
    sandbox: str,
    person: Person,
    meanwhile: Callable[[Flask, Shop, FlaskClient], None],
    outcome: str,
    credit: int,
    said: str,
    onward: str,
) -> None:
    client = shop.signed_in(person)
    session_id = order_gap(client)
    meanwhile(app, shop, client)
    before = held(app)
    pay(sandbox, session_id)
    page = come_back(client, session_id)
    assert page.status_code == 200
    assert f'data-film-outcome="{outcome}"' in page.text and said in page.text
    assert f'class="button" href="{onward}"' in page.text or f'action="{onward}' in page.text
    assert shop.credit_of(person) == credit
    shop.credit(person, 2000)  # what comes later changes nothing: it was decided
    do_jobs(app)
    assert come_back(client, session_id).status_code == 200
    assert held(app) == before
    assert len([letter for letter in letters(app, person.email) if said in letter]) == 1


def test_frozen_credit_is_not_added_to_for_a_film(app: Flask, shop: Shop, person: Person) -> None:
    client = shop.signed_in(person)
    token = csrf_of(client, PAYER)
    freeze_credit(app, shop, client)
    page = client.get(PAYER)
    assert (page.status_code, "gelé" in page.text, "data-gap-cents" in page.text) == (200, True, False)
    answer = client.post(PAYER, data={"csrf_token": token})
    assert answer.status_code == 422 and "gelé" in answer.text
    assert orders(app) == []


def test_the_price_that_was_agreed_is_kept(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    session_id = order_gap(client)
    change_film(app, rent_cents=490)
    shop.credit(person, 500)
    pay(sandbox, session_id)
    assert come_back(client, session_id).location == f"{FILM}/voir"
    assert held(app) == [(person.id, "rental", 350)]


def test_a_price_that_fell_meanwhile_is_the_one_to_pay(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    session_id = order_gap(client)
    change_film(app, rent_cents=300)
    pay(sandbox, session_id)
    come_back(client, session_id)
    assert (held(app), shop.credit_of(person)) == ([(person.id, "rental", 300)], 50)


def test_payments_under_way_count_for_the_limit(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    order_card(client, "100", combien="2")
    order_card(client, "libre", montant="22,60")
    answer = client.post(PAYER, data={"csrf_token": csrf_of(client, PAYER)})
    assert (answer.status_code, "250,00" in answer.text) == (422, True)


def test_a_gap_under_way_counts_for_the_limit(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    order_gap(client, BUY)
    order_card(client, "100", combien="2")
    answer = client.post("/cartes/acheter", data={"csrf_token": csrf_of(client, "/cartes"), "denomination": "20"})
    assert answer.status_code == 422 and "17,00" in answer.text


def test_no_film_is_given_for_an_order_that_is_not_paid_or_is_for_a_card(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    client = shop.signed_in(person)
    order_gap(client)
    pay(sandbox, session_id := order_card(client, film="la-sociale", acte="louer"))
    come_back(client, session_id)
    for order in orders(app):
        with app.app_context():
            grant_film(order.id, clock.now())
    assert (held(app), shop.credit_of(person)) == ([], 2310)


def test_a_card_taken_for_a_film_leads_back_to_it(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    assert 'name="film" value="la-sociale"' in client.get("/cartes?film=la-sociale").text
    for acte, act in (("", "louer"), ("acheter", "acheter")):
        session_id = order_card(client, film="la-sociale", acte=acte)
        pay(sandbox, session_id)
        page = come_back(client, session_id).text
        assert f'action="{FILM}/{act}"' in page
    client.post(f"{FILM}/{act}", data={"csrf_token": csrf_of(client, FILM)})
    assert f'href="{FILM}/voir"' in come_back(client, session_id).text
