"""A customer of whom every room of the shop knows something."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from store import clock
from store.audit.record import record
from store.checkout.models import Dispute, Order
from store.customers import devices, links, passkeys, second_factor
from store.customers.models import Customer
from store.db import transaction
from store.jobs.enqueue import REGISTRY
from store.ledger.post import freeze, lock_wallet, unfreeze
from store.mail import bounces
from store.playback.models import PlaybackFailure
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.models import CardHold, ExpiryReminder, PrepaidCard
from store.rentals import watchlist
from store.rentals.history import keep
from store.rentals.models import Entitlement
from tests.checkout import sales
from tests.prepaid_cards.counter import Counter
from tests.shop import SECOND_FACTOR, Person, Shop, csrf_of

NAME, EMAIL = "Zéphyrine Quatrepoint", "zephyrine.quatrepoint@example.org"
RECIPIENT, RECIPIENTS_ADDRESS, MESSAGE = "Barnabé Ledoux", "barnabe.ledoux@example.net", "Pour tes quarante ans !"


@dataclass
class Life:
    """The customer, and the browser in which they are signed in."""

    person: Person
    client: FlaskClient


def live(app: Flask, shop: Shop) -> Life:
    """They buy, give, watch, stop in a film, have some of it paid back, and change their mind about this and that."""
    person = shop.customer(EMAIL)
    with app.app_context(), transaction() as session:
        session.execute(update(Customer).where(Customer.id == person.id).values(name=NAME, country="BE"))
    client = shop.signed_in(person)
    shop.film("la-sociale")
    sales.sell(app, person)
    entitlement_id = sales.spend(app, person, "la-sociale")
    sales.refund(app, person, 1, 500)
    counter = Counter(app)
    wish = GiftWish("email", RECIPIENT, RECIPIENTS_ADDRESS, MESSAGE, clock_today(app))
    counter.card(person, gift=wish)
    friend = shop.customer("ami@example.org")
    code = counter.card(friend, gift=GiftWish("email", NAME, EMAIL, "Pour toi", clock_today(app)))
    with app.app_context():
        REGISTRY["prepaid_cards.deliver_gifts"].handler()
        for name, payload in {
            "checkout.mail_confirmation": {"order_id": 1},
            "rentals.mail_granted": {"entitlement_id": entitlement_id},
        }.items():
            REGISTRY[name].handler(**payload)
    counter.redeem(code, person)
    client.post("/films/la-sociale/lecture", data={"csrf_token": csrf_of(client, "/compte"), "consentement": "oui"})
    _what_pages_seldom_do(app, person, entitlement_id)
    return Life(person, client)


def clock_today(app: Flask) -> date:
    """The shop's day."""
    with app.app_context():
        return clock.today()


def _what_pages_seldom_do(app: Flask, person: Person, entitlement_id: int) -> None:
    with app.app_context(), transaction() as session:
        at = clock.now()
        _all_that_opens_the_account(session, person.id, app.config["SECRET_KEY"], at)
        keep(session, person.id, at)
        watchlist.note(session, person.id, "la-sociale", at)
        session.execute(update(Entitlement).where(Entitlement.id == entitlement_id).values(position_s=1200, seen_at=at))
        wallet = lock_wallet(session, person.wallet_id)
        freeze(session, wallet, reference="refund:9", cents=100, at=at)
        unfreeze(session, wallet, reference="refund:9", at=at)
        record(session, actor=person.id, act="country.declared", subject="x", facts={}, at=at)
        bounces.note(session, person.email, status="5.1.1", said=f"<{person.email}>: no such user {NAME}", at=at)
        failure = {"entitlement_id": entitlement_id, "lease_id": "x", "recipe": "x", "name": "x", "at": at}
        session.execute(insert(PlaybackFailure).values(failure))
        card = sales.card_of(session, session.get_one(Order, 1))
        session.add(Dispute(stripe_dispute_id="dp_1", order_id=1, amount_cents=1, state="won", opened_at=at))
        session.add(hold_of(card, at))
        lots = {"lot_id": 1, "days": 3, "sent_at": at - timedelta(days=1)}
        session.execute(insert(ExpiryReminder).values(lots))


def _all_that_opens_the_account(session: Session, customer_id: int, key: str, at: datetime) -> None:
    customer = session.get_one(Customer, customer_id)
    devices.remember(session, customer_id, "Firefox", at)
    links.make(session, links.CONFIRM, customer, customer.email, at)
    second_factor.put(session, customer_id, key, SECOND_FACTOR, at)
    second_factor.replace_recovery_codes(session, customer_id)
    passkeys.add(session, customer_id, passkeys.NewPasskey("eA", b"x", 0, "eA"), f"Téléphone de {NAME}", at)


def hold_of(card: PrepaidCard, at: datetime) -> CardHold:
    """A hold that was released."""
    return CardHold(
        cause="dispute:1",
        card_id=card.id,
        card_reference=card.reference,
        currency="EUR",
        paid_cents=1,
        bonus_cents=0,
        vat_cents=0,
        state="released",
        held_at=at,
        ended_at=at,
    )
