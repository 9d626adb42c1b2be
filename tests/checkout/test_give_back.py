"""A film's price goes back: to the lots that paid it, and to what is owed for their cards before anybody spends it again."""

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from store import clock
from store.audit.models import AuditEntry
from store.checkout.give_back import refund_film, undo_rental
from store.db import db, transaction
from store.ledger.balance import is_frozen
from store.ledger.models import Lot
from store.rentals.models import Entitlement
from store.rentals.refund import NotRefundable
from tests.checkout.purchases import books, bought, left_in_lots
from tests.checkout.stripe_side import act
from tests.checkout.test_giving_a_card import letters
from tests.checkout.test_receipt_pages import words
from tests.checkout.test_refund import rent, sync
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.shop import Person, Shop, csrf_of

pytestmark = both_engines


@pytest.fixture
def person(shop: Shop) -> Person:
    shop.film()
    return shop.customer()


def undo(shop: Shop, person: Person) -> str:
    """Press « annuler »; returns what the shop answers."""
    client = shop.signed_in(person)
    token = csrf_of(client, "/compte/films")
    address = client.post("/films/la-sociale/annuler", data={"csrf_token": token}).location
    return html.unescape(client.get(address).text).replace("\xa0", " ")


def give_back(app: Flask, entitlement_id: int, reason: str = "no sound"):
    """Staff refund a film from the command line."""
    return app.test_cli_runner().invoke(args=["payments", "refund-film", str(entitlement_id), "--reason", reason])


def test_a_film_that_could_not_be_watched_is_refunded_to_the_cent(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    client = shop.signed_in(person)
    bought(app, client, sandbox)
    rent(shop, person, "la-sociale")
    with app.app_context(), transaction() as session:
        held = session.scalars(select(Entitlement)).one()
        held.begun_at = clock.now()
    done = give_back(app, held.id)
    assert (done.exit_code, done.output) == (0, f"Entitlement {held.id}: 3.50 EUR given back.\n")
    assert left_in_lots(app) == [2000, 100]
    assert books(app) == {"stripe_clearing": 2000, "stored_value": -2000, "bonus_value": -100, "promotions": 100}
    with app.app_context():
        assert db.session.scalars(select(Entitlement.revoked_at)).one() is not None
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.act, entry.subject) == ("film.refunded", f"entitlement:{held.id}")
        assert entry.facts == {"amount": 350, "credited": 350, "reason": "no sound"}
    assert any(
        "La Sociale n’a pas pu être regardé" in text and "21,00\xa0€" in text for text in letters(app, person.email)
    )
    assert "La Sociale, remboursé" in words(client.get("/compte/credit").text)
    assert "Remboursé : rien n’a été débité" in words(client.get(f"/compte/recus/films/{held.id}").text)
    again = give_back(app, held.id)
    assert again.exit_code == 1 and "nothing was done" in again.output
    assert shop.credit_of(person) == 2100


@pytest.mark.parametrize(
    ("entitlement_id", "reason", "said"), [(99, "x", "or is none"), (1, " ", "Say why"), (1, "x" * 301, "Say why")]
)
def test_what_cannot_be_refunded_is_said(app: Flask, entitlement_id: int, reason: str, said: str) -> None:
    refused = give_back(app, entitlement_id, reason)
    assert refused.exit_code != 0 and said in refused.output


def test_what_has_expired_comes_back_as_goodwill(app: Flask, shop: Shop, person: Person) -> None:
    with app.app_context():
        end = clock.now() + timedelta(days=1)
    shop.credit(person, 1000, 100, end)
    rent(shop, person, "la-sociale")
    with app.app_context():
        with transaction() as session:
            given = refund_film(session, 1, "no picture", end)
        assert (given.price_cents, given.credit_cents) == (350, 350)
        lots = db.session.execute(select(Lot.kind, Lot.remaining, Lot.expires_at).order_by(Lot.id)).all()
    assert lots == [("paid", 1000, None), ("bonus", 0, end), ("bonus", 100, end + timedelta(days=90))]
    assert "rental_sales" not in books(app)


@pytest.mark.parametrize("step", ["film_refund.locked", "undo.revoked", "film_refund.reversed"])
def test_killed_inside_nothing_is_given_back(app: Flask, shop: Shop, person: Person, step: str) -> None:
    shop.credit(person, 1000)
    rent(shop, person, "la-sociale")

    def refund() -> None:
        with transaction() as session:
            refund_film(session, 1, "no sound", clock.now())

    assert is_killed_at(app, step, refund)
    assert shop.credit_of(person) == 650
    with app.app_context():
        refund()
        with pytest.raises(NotRefundable):
            refund()
    assert shop.credit_of(person) == 1000


@pytest.mark.parametrize("denomination", ["20", "50"])
def test_after_a_lost_dispute_an_undone_rental_is_no_credit(
    app: Flask, shop: Shop, sandbox: str, person: Person, denomination: str
) -> None:
    """Neither what was paid, nor, of a card for 50.00, the bonus alone that the film was paid with."""
    order = bought(app, shop.signed_in(person), sandbox, denomination)
    rent(shop, person, "la-sociale")
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)
    assert "3,50 € règlent cela d’abord, et 0,00 € reviennent" in undo(shop, person)
    assert shop.credit_of(person) == 0
    assert books(app) == {}


def test_what_another_card_paid_of_it_comes_back(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    order = bought(app, shop.signed_in(person), sandbox, "libre", montant="5")
    shop.film("merci-patron")
    rent(shop, person, "merci-patron")
    shop.credit(person, 1000)
    rent(shop, person, "la-sociale")  # 1.50 of the first card, 2.00 of the second
    for outcome in ("open", "lost"):
        act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome=outcome)
    sync(app, order)
    assert "1,50 € règlent cela d’abord, et 2,00 € reviennent" in undo(shop, person)
    assert shop.credit_of(person) == 1000
    assert books(app)["bad_debts"] == 350


def test_while_the_bank_decides_it_is_held_with_the_rest(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    order = bought(app, shop.signed_in(person), sandbox)
    rent(shop, person, "la-sociale")
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")
    sync(app, order)
    undo(shop, person)
    assert shop.credit_of(person) == 0
    assert books(app)["held_value"] == -2000
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    sync(app, order)
    assert shop.credit_of(person) == 2100


def test_it_pays_what_is_owed_for_its_card_and_frees_the_wallet(
    app: Flask, shop: Shop, sandbox: str, person: Person
) -> None:
    order = bought(app, shop.signed_in(person), sandbox)
    rent(shop, person, "la-sociale")
    act(sandbox, f"refund/{order.stripe_payment_intent_id}", amount=2000)
    sync(app, order)
    assert books(app)["customer_debts"] == 250
    with app.app_context(), transaction() as session:
        given = undo_rental(session, person.id, person.wallet_id, "la-sociale", clock.now())
        assert (given.price_cents, given.credit_cents) == (350, 0)
    assert books(app) == {}
    with app.app_context():
        assert not is_frozen(db.session, person.wallet_id)


def test_who_owes_gives_no_other_card_back_before(app: Flask, shop: Shop, sandbox: str, person: Person) -> None:
    client = shop.signed_in(person)
    order = bought(app, client, sandbox)
    rent(shop, person, "la-sociale")
    bought(app, client, sandbox, "10")
    act(sandbox, f"refund/{order.stripe_payment_intent_id}", amount=2000)
    sync(app, order)
    [page] = re.findall(r"/compte/cartes/\d+/retractation", client.get("/compte/cartes").text)
    assert client.get(page).location == "/compte/cartes"
    assert "tant que cela n’est pas réglé" in client.get("/compte/cartes").text
    assert client.post(page, data={"csrf_token": csrf_of(client, "/cartes")}).location == "/compte/cartes"
    assert shop.credit_of(person) == 1000
    settled = app.test_cli_runner().invoke(args=["payments", "settle-debt", "1", "--forgive"])
    assert settled.exit_code == 0, settled.output
    assert client.post(page, data={"csrf_token": csrf_of(client, page)}).location == f"{page}/recue"
    assert shop.credit_of(person) == 0
