"""Giving the film that an exact-gap order was for, once its money has become credit.

A named step of its own after `settle`: the return page does it at once, a job does it where nobody comes back. Whoever
comes first decides, once for all, under the order's lock; what cannot be had any more is never charged.
"""

from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.checkout.models import Order
from store.customers.models import Customer
from store.db import transaction
from store.jobs.enqueue import enqueue
from store.ledger.post import InsufficientCredit, WalletFrozen
from store.rentals.rent import NotForSale, Terms, buy, rent
from store.stop import stop_at

ACTS = {"rent": rent, "buy": buy}

GRANTED, HELD, SHORT, FROZEN, WITHDRAWN = "granted", "held", "short", "frozen", "withdrawn"
"""What comes of it: the film is paid for; it was the customer's already; the credit went elsewhere, or may not be spent; the
film is no longer sold."""


def grant_film(order_id: int, at: datetime) -> None:
    """Rent or buy the film of a paid order with the customer's credit; repeated, nothing more happens."""
    try:
        with transaction() as session:
            _spend_on_it(session, order_id, at)
    except InsufficientCredit:
        _give_up(order_id, SHORT)
    except WalletFrozen:
        _give_up(order_id, FROZEN)
    except NotForSale:
        _give_up(order_id, WITHDRAWN)
    stop_at("film.committed")


def why_missed(outcome: str, title: str) -> str:
    """What to tell the customer of an order whose film was not paid for, in the language of the moment."""
    if outcome == HELD:
        return _(
            "You may watch %(title)s already: nothing was taken for it, and your payment stays as credit.", title=title
        )
    if outcome == SHORT:
        return _(
            "Part of your credit was spent meanwhile, and what is left does not reach for %(title)s: nothing was taken"
            " for it, and your payment stays as credit.",
            title=title,
        )
    if outcome == FROZEN:
        return _(
            "Your credit is frozen, because a payment was refunded whose credit had been spent: nothing was taken for"
            " %(title)s, and your payment stays as credit. Write to us and we settle it together.",
            title=title,
        )
    return _("%(title)s is no longer on sale: nothing was taken for it, and your payment stays as credit.", title=title)


def _spend_on_it(session: Session, order_id: int, at: datetime) -> None:
    """The price that was agreed when the order was placed is kept, days later too. Raises as `rent` does."""
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id, Order.purpose == "gap", Order.state == "paid", Order.film_outcome.is_(None))
        .with_for_update(key_share=True)
    )
    if order is None or order.film_act is None or order.film_slug is None:
        return
    stop_at("film.locked")
    wallet_id = session.scalars(select(Customer.wallet_id).where(Customer.id == order.customer_id)).one()
    granted = ACTS[order.film_act](
        session,
        order.customer_id,
        wallet_id,
        order.film_slug,
        Terms.of(current_app.config),
        at,
        at_most_cents=order.film_price_cents,
    )
    order.film_outcome = GRANTED if granted.is_new else HELD
    order.entitlement_id = granted.entitlement_id
    if granted.is_new:
        enqueue(session, "rentals.mail_granted", {"entitlement_id": granted.entitlement_id})
    else:
        enqueue(session, "checkout.mail_film_missed", {"order_id": order_id})
    stop_at("film.granted")


def _give_up(order_id: int, outcome: str) -> None:
    """Note why the film was not had, and tell the customer, unless somebody else decided meanwhile."""
    with transaction() as session:
        given_up = session.scalar(
            update(Order)
            .where(Order.id == order_id, Order.film_outcome.is_(None))
            .values(film_outcome=outcome)
            .returning(Order.id)
        )
        if given_up:
            enqueue(session, "checkout.mail_film_missed", {"order_id": order_id})
        stop_at("film.given_up")
