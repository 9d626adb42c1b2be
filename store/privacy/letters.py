"""The letters of this room."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from store.checkout.models import Order, Refund
from store.customers.forget import pseudonym_of
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import db
from store.mail.deliver import deliver
from store.mail.letter import Letter, write
from store.privacy.models import Erasure


def say_farewell(customer_id: int) -> None:
    """The last letter: what is gone, what stays and why."""
    row = db.session.execute(
        select(Customer.email, Customer.name, Erasure.asked_at)
        .join(Erasure, Erasure.customer_id == Customer.id)
        .where(Customer.id == customer_id)
    ).one()
    given_back = db.session.scalars(
        select(Refund)
        .join(Order, Order.id == Refund.order_id)
        .where(Order.customer_id == customer_id, Refund.asked_at >= row.asked_at, Refund.origin == "withdrawal")
        .order_by(Refund.id)
    ).all()
    with writing_to(db.session, customer_id):
        letter = farewell(row.name, pseudonym_of(customer_id), given_back)
    deliver(letter, key=farewell_key(customer_id), to=row.email)


def farewell(name: str, pseudonym: str, given_back: Sequence[Refund]) -> Letter:
    """What that letter says; `given_back` are the refunds that leaving asked for."""
    subject = _("Your account is erased")
    return write("privacy/mail_farewell", subject, name=name, pseudonym=pseudonym, given_back=given_back)


def farewell_key(customer_id: int) -> str:
    """By which name that letter goes out."""
    return f"farewell-{customer_id}"
