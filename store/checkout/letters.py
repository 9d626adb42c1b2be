"""The letters of this room; each is a job of `jobs.py`. `letter_words.py` has what they say."""

from collections.abc import Callable

from sqlalchemy import select

from store import clock
from store.catalogue.models import Film
from store.checkout import letter_words
from store.checkout.letter_words import Reader
from store.checkout.models import Order, Receipt, Refund
from store.checkout.receipts import corrected_by, sale_of
from store.checkout.withdraw import withdrawal_of
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import db
from store.ledger.balance import credit_of
from store.mail.deliver import deliver
from store.mail.letter import Letter
from store.prepaid_cards.models import CardHold
from store.rentals.models import Entitlement


def confirm(order_id: int) -> None:
    """The receipt of a sale."""
    order, receipt = db.session.get_one(Order, order_id), sale_of(db.session, order_id)
    title = _film_title(order)
    _send(
        f"order-{order.key}",
        order.customer_id,
        lambda reader: letter_words.confirmation(reader, order, receipt, title),
    )


def send_credit_note(receipt_id: int) -> None:
    """The credit note of a refund."""
    note = db.session.get_one(Receipt, receipt_id)
    corrected = corrected_by(db.session, note)
    key = f"credit-note-{note.shown_number}"
    _send(key, note.customer_id, lambda reader: letter_words.credit_note(reader, note, corrected))


def send_restored_sale(receipt_id: int) -> None:
    """A refund did not arrive after it was confirmed."""
    receipt = db.session.get_one(Receipt, receipt_id)
    note = corrected_by(db.session, receipt)
    key = f"restored-sale-{receipt.shown_number}"
    _send(key, receipt.customer_id, lambda reader: letter_words.restored_sale(reader, receipt, note))


def tell_of_failed_payment(order_id: int) -> None:
    """The bank did not pay a debit."""
    order = db.session.get_one(Order, order_id)
    title = _film_title(order)
    key = f"order-{order.key}-failed"
    _send(key, order.customer_id, lambda reader: letter_words.failed_payment(reader, order, title))


def tell_of_missed_film(order_id: int) -> None:
    """A payment is credit, and did not go into the film that it was for."""
    order = db.session.get_one(Order, order_id)
    title = _film_title(order)
    key = f"order-{order.key}-film"
    _send(key, order.customer_id, lambda reader: letter_words.missed_film(reader, order, title))


def tell_of_refunded_film(entitlement_id: int, cents: int) -> None:
    """A film could not be watched: so many cents of its price are credit again."""
    held = db.session.get_one(Entitlement, entitlement_id)
    title = db.session.scalars(select(Film.title).where(Film.id == held.film_id)).one()
    key = f"film-refunded-{entitlement_id}"
    _send(key, held.customer_id, lambda reader: letter_words.refunded_film(reader, held, title, cents))


def acknowledge_withdrawal(refund_id: int) -> None:
    """The dated acknowledgement of a withdrawal."""
    card_id = db.session.scalars(select(CardHold.card_id).where(CardHold.cause == f"refund:{refund_id}").limit(1)).one()
    customer_id = _customer_of(refund_id)
    received = withdrawal_of(db.session, customer_id, card_id, refund_id)
    key = f"withdrawal-{refund_id}"
    _send(key, customer_id, lambda reader: letter_words.withdrawal(reader, card_id, received))


def tell_of_failed_refund(refund_id: int) -> None:
    """The bank did not take a refund."""
    refund = db.session.get_one(Refund, refund_id)
    key = f"refund_failed-{refund_id}"
    _send(key, _customer_of(refund_id), lambda reader: letter_words.failed_refund(reader, refund))


def _customer_of(refund_id: int) -> int:
    query = select(Order.customer_id).join(Refund, Refund.order_id == Order.id).where(Refund.id == refund_id)
    return db.session.scalars(query).one()


def _film_title(order: Order) -> str:
    title = db.session.scalar(select(Film.title).where(Film.slug == order.film_slug)) if order.film_slug else None
    return title or order.film_slug or ""


def _send(key: str, customer_id: int, compose: Callable[[Reader], Letter]) -> None:
    customer = db.session.get_one(Customer, customer_id)
    reader = Reader(customer.name, credit_of(db.session, customer.wallet_id, clock.now()))
    with writing_to(db.session, customer_id):
        letter = compose(reader)
    deliver(letter, key=key, to=customer.email)
