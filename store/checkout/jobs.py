"""What the checkout does in the background."""

from typing import Any

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from store import clock
from store.catalogue.models import Film
from store.checkout import orders
from store.checkout.fulfil import settle
from store.checkout.grant_film import grant_film, why_missed
from store.checkout.models import Order
from store.customers.models import Customer
from store.db import db
from store.gateways import mailer
from store.jobs.enqueue import job
from store.ledger.balance import credit_of


@job("checkout.settle")
def settle_session(session_id: str) -> None:
    """A webhook announced that something became of a Session."""
    settle(session_id)


@job("checkout.grant_film")
def grant_ordered_film(order_id: int) -> None:
    """Give the film that a paid order was for, where nobody came back to ask for it."""
    grant_film(order_id, clock.now())


@job("checkout.mail_confirmation")
def mail_confirmation(order_id: int) -> None:
    """Tell the customer what was paid and what credit it gave."""
    words = _words(order_id)
    with force_locale("fr"):
        words["thanks"] = _thanks(words["order"], words["film_title"])
        words["cards"] = [ordered.card for ordered in orders.cards_of(db.session, words["order"])]
        _send("mail_confirmation", "", _("Your prepaid card and its credit"), words)


@job("checkout.mail_failed")
def mail_failed(order_id: int) -> None:
    """Tell the customer that the bank did not pay."""
    words = _words(order_id)
    with force_locale("fr"):
        words["address"] = f"/films/{words['order'].film_slug}" if words["order"].purpose == "gap" else "/cartes"
        _send("mail_failed", "-failed", _("Your bank did not pay: nothing was charged"), words)


@job("checkout.mail_film_missed")
def mail_film_missed(order_id: int) -> None:
    """Tell the customer that the payment is credit, and why it did not go into the film."""
    words = _words(order_id)
    with force_locale("fr"):
        words["missed"] = why_missed(words["order"].film_outcome, words["film_title"])
        _send("mail_film_missed", "-film", _("Your payment has become credit"), words)


def _words(order_id: int) -> dict[str, Any]:
    row = db.session.execute(
        select(Order, Customer.email, Customer.name, Customer.wallet_id, Film.title)
        .join(Customer, Customer.id == Order.customer_id)
        .outerjoin(Film, Film.slug == Order.film_slug)
        .where(Order.id == order_id)
    ).one()
    return {
        "order": row.Order,
        "email": row.email,
        "name": row.name,
        "film_title": row.title or row.Order.film_slug,
        "credit_cents": credit_of(db.session, row.wallet_id, clock.now()),
    }


def _send(letter: str, mark: str, subject: str, words: dict[str, Any]) -> None:
    mailer.send(
        key=f"order-{words['order'].key}{mark}",
        to=words["email"],
        subject=subject,
        text=render_template(f"checkout/{letter}.txt", subject=subject, **words),
        html=render_template(f"checkout/{letter}.html", subject=subject, **words),
    )


def _thanks(order: Order, film_title: str) -> str:
    if order.purpose == "gap":
        return _("Thank you. What you paid has become credit, for %(title)s.", title=film_title)
    if order.purpose == "gift" and order.quantity > 1:
        return _("Thank you. The cards that you give are paid; in your account you see how far each has come.")
    if order.purpose == "gift":
        return _("Thank you. The card that you give is paid; in your account you see how far it has come.")
    if order.purpose == "suspended" and order.quantity > 1:
        return _(
            "Thank you. Your suspended cards are paid; we hand their codes to people who could not pay for a film."
        )
    if order.purpose == "suspended":
        return _("Thank you. Your suspended card is paid; we hand its code to somebody who could not pay for a film.")
    if order.quantity > 1:
        return _("Thank you. Your prepaid cards are paid and their credit is in your account.")
    return _("Thank you. Your prepaid card is paid and its credit is in your account.")
