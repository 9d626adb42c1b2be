"""The letters of this room; each is a job of `jobs.py`. Every one has text and HTML with the same words."""

from typing import Any

from flask import current_app, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from store import clock
from store.catalogue.models import Film
from store.checkout.grant_film import why_missed
from store.checkout.models import Order, Receipt, Refund
from store.checkout.print_receipt import file_name, print_receipt
from store.checkout.receipt_words import write
from store.checkout.receipts import corrected_by, sale_of
from store.checkout.withdraw import withdrawal_of
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import db
from store.gateways import mailer
from store.language import site
from store.ledger.balance import credit_of
from store.prepaid_cards.models import CardHold
from store.rentals.models import Entitlement


def confirm(order_id: int) -> None:
    """The receipt of a sale: what was paid, what it gave. An order that the release before settled is confirmed without one."""
    order, receipt = db.session.get_one(Order, order_id), sale_of(db.session, order_id)
    with writing_to(db.session, order.customer_id):
        subject = _("Your prepaid card and its credit")
        if receipt:
            subject = _("Your prepaid card: receipt %(number)s", number=receipt.shown_number)
        thanks, written = _thanks(order), write(receipt) if receipt else None
        words = {"order": order, "thanks": thanks, "receipt": written}
        _send("confirmation", f"order-{order.key}", subject, order.customer_id, words, attachments=_on_paper(receipt))


def send_credit_note(receipt_id: int) -> None:
    """The credit note of a refund: what was given back, and what it corrects."""
    note = db.session.get_one(Receipt, receipt_id)
    corrected = corrected_by(db.session, note)
    with writing_to(db.session, note.customer_id):
        subject = _("Your credit note %(number)s", number=note.shown_number)
        words, paper = {"receipt": write(note, corrected)}, _on_paper(note, corrected)
        key = f"credit-note-{note.shown_number}"
        _send("credit_note", key, subject, note.customer_id, words, attachments=paper)


def send_restored_sale(receipt_id: int) -> None:
    """A refund did not arrive after it was confirmed: the credit is back, and this receipt takes the credit note back."""
    receipt = db.session.get_one(Receipt, receipt_id)
    note = corrected_by(db.session, receipt)
    with writing_to(db.session, receipt.customer_id):
        subject = _("A refund that did not arrive: receipt %(number)s", number=receipt.shown_number)
        words, paper = {"receipt": write(receipt, note)}, _on_paper(receipt, note)
        key = f"restored-sale-{receipt.shown_number}"
        _send("restored_sale", key, subject, receipt.customer_id, words, attachments=paper)


def tell_of_failed_payment(order_id: int) -> None:
    """The bank did not pay a debit: nothing was charged."""
    order = db.session.get_one(Order, order_id)
    address = f"/films/{order.film_slug}" if order.purpose == "gap" else "/cartes"
    with writing_to(db.session, order.customer_id):
        subject = _("Your bank did not pay: nothing was charged")
        words = {"order": order, "address": address, "film_title": _film_title(order)}
        _send("failed", f"order-{order.key}-failed", subject, order.customer_id, words)


def tell_of_missed_film(order_id: int) -> None:
    """A payment is credit, and why it did not go into the film that it was for."""
    order = db.session.get_one(Order, order_id)
    with writing_to(db.session, order.customer_id):
        missed = why_missed(order.film_outcome or "", _film_title(order))
        subject = _("Your payment has become credit")
        words = {"order": order, "missed": missed, "film_title": _film_title(order)}
        _send("film_missed", f"order-{order.key}-film", subject, order.customer_id, words)


def tell_of_refunded_film(entitlement_id: int, cents: int) -> None:
    """A film could not be watched: so many cents of its price are credit again."""
    held = db.session.get_one(Entitlement, entitlement_id)
    title = db.session.scalars(select(Film.title).where(Film.id == held.film_id)).one()
    with writing_to(db.session, held.customer_id):
        address = f"{current_app.config['SHOP_URL']}{site()}/compte/recus/films/{entitlement_id}"
        words = {"title": title, "held": held, "cents": cents, "address": address}
        subject = _("%(title)s: its price is yours again", title=title)
        _send("film_refunded", f"film-refunded-{entitlement_id}", subject, held.customer_id, words)


def acknowledge_withdrawal(refund_id: int) -> None:
    """The dated acknowledgement of a withdrawal, on a durable medium (Directive 2011/83/EU, article 11a)."""
    card_id = db.session.scalars(select(CardHold.card_id).where(CardHold.cause == f"refund:{refund_id}").limit(1)).one()
    customer_id = _customer_of(refund_id)
    received = withdrawal_of(db.session, customer_id, card_id, refund_id)
    with writing_to(db.session, customer_id):
        address = f"{current_app.config['SHOP_URL']}{site()}/compte/cartes/{card_id}/retractation/recue"
        words = {"received": received, "address": address}
        _send("withdrawal", f"withdrawal-{refund_id}", _("Your withdrawal came in"), customer_id, words)


def tell_of_failed_refund(refund_id: int) -> None:
    """The bank did not take a refund: the credit is back."""
    refund, customer_id = db.session.get_one(Refund, refund_id), _customer_of(refund_id)
    with writing_to(db.session, customer_id):
        subject = _("A refund that did not arrive")
        _send("refund_failed", f"refund_failed-{refund_id}", subject, customer_id, {"refund": refund})


def _customer_of(refund_id: int) -> int:
    query = select(Order.customer_id).join(Refund, Refund.order_id == Order.id).where(Refund.id == refund_id)
    return db.session.scalars(query).one()


def _film_title(order: Order) -> str:
    title = db.session.scalar(select(Film.title).where(Film.slug == order.film_slug)) if order.film_slug else None
    return title or order.film_slug or ""


def _on_paper(receipt: Receipt | None, corrected: Receipt | None = None) -> dict[str, bytes]:
    return {file_name(receipt): print_receipt(receipt, corrected)} if receipt else {}


def _send(
    letter: str,
    key: str,
    subject: str,
    customer_id: int,
    words: dict[str, Any],
    *,
    attachments: dict[str, bytes] | None = None,
) -> None:
    customer = db.session.get_one(Customer, customer_id)
    credit_cents = credit_of(db.session, customer.wallet_id, clock.now())
    text, html = (
        render_template(
            f"checkout/mail_{letter}.{kind}", subject=subject, name=customer.name, credit_cents=credit_cents, **words
        )
        for kind in ("txt", "html")
    )
    address = customer.email
    db.session.rollback()  # the mail server is slow: no read stays open meanwhile
    mailer.send(key=key, to=address, subject=subject, text=text, html=html, attachments=attachments or {})


def _thanks(order: Order) -> str:
    if order.purpose == "gap":
        return _("Thank you. What you paid has become credit, for %(title)s.", title=_film_title(order))
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
