"""A shop in which everything that somebody can own belongs to one customer, and the addresses of it."""

from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store import clock
from store.audit.alert import raise_alert
from store.checkout.models import Order
from store.customers import devices, passkeys, sessions
from store.db import transaction
from store.media.delivery import Delivery
from store.media.models import Ingest
from store.prepaid_cards.gifts import GiftWish, given_by
from store.privacy import archives
from tests.checkout import sales
from tests.playback.theatre import RECIPE, write_film
from tests.prepaid_cards.counter import Counter
from tests.shop import Shop, csrf_of

FILM = "la-sociale"
STRIPE_SESSION = "cs_test_1"


@dataclass(frozen=True)
class Furnished:
    """The owner's browser and form token; what stands for the variable parts of addresses; the key of an order to be paid;
    the digest of a second session."""

    browser: FlaskClient
    token: str
    values: dict[str, str]
    unpaid: str
    session: str


def furnish(app: Flask, shop: Shop, **values: str) -> Furnished:
    """A film, and a customer who bought cards and the film, plays it, gives a card, has one order unpaid and an archive of it all; the film has a new master."""
    shop.film(FILM)
    write_film(app)
    owner = shop.customer("owner@example.org", credit=9000)
    number, _ = sales.sell(app, owner), sales.sell(app, owner)
    sales.order(app, owner)
    entitlement_id = sales.spend(app, owner, FILM, act="buy")
    browser = shop.signed_in(owner)
    token = csrf_of(browser, "/compte")
    begun = browser.post(f"/films/{FILM}/lecture", data={"csrf_token": token})
    with app.app_context():
        today, now = clock.today(), clock.now()
    Counter(app).card(owner, gift=GiftWish("email", "Paul", "paul@example.org", "", today))
    with app.app_context(), transaction() as session:
        raise_alert(session, "refund_failed", "refund:1", {"refund": "re_1"}, now)
        session.execute(update(Order).where(Order.id == 1).values(stripe_session_id=STRIPE_SESSION))
        [given] = given_by(session, owner.id)
        unpaid = session.scalars(select(Order.key).where(Order.state == "pending")).one()
        card_id = sales.card_of(session, session.get_one(Order, 2)).id
        archives.ask(session, owner.id, now)
        session.add(Ingest(film_id=1, delivery=Delivery(Path("master.mov")).as_json(), state="waiting", updated_at=now))
        device_id, _token = devices.remember(session, owner.id, "Firefox", now)
        session_id = sessions.begin(session, owner.id, "Firefox", now)
        passkeys.add(session, owner.id, passkeys.NewPasskey("eA", b"x", 0, "eA"), "x", now)
        [passkey] = passkeys.of_customer(session, owner.id)
    with app.app_context():
        archives.make(owner.id)
    mine = {
        **{"name": "index.m3u8", "slug": FILM, "film": FILM, "recipe": RECIPE, "mark": "x", "filename": "x.svg"},
        **{"kind": "gift", "code": "fr", "lang": "fr", "film_id": "1"},
        **{"gift_id": given.gift.id, "card_id": card_id, "entitlement_id": entitlement_id, "alert_id": 1},
        **{"device_id": device_id, "passkey_id": passkey.id},
        **{"lease_id": begun.json["renew"].rpartition("/")[2], "token": begun.json["manifest"].split("/")[2]},
    }
    return Furnished(
        browser,
        token,
        {name: str(value) for name, value in mine.items()} | {"number": number} | values,
        unpaid,
        sessions.digest(session_id),
    )
