"""The address that letters go to: confirmed by a link, changed by a link to the new one, taken back by a link to the old one."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.customers import links
from store.customers.change_password import shut
from store.customers.models import NO_PASSWORD, Customer, Passkey
from store.customers.register import AddressTaken
from store.jobs.enqueue import enqueue

CONFIRMING = {links.CONFIRM, links.ADDRESS, links.UNDO}
"""Purposes of the links at /confirmer."""


def confirm(session: Session, token: str, at: datetime) -> str:
    """Do what the link is for; returns its purpose. Raises LinkOver, and AddressTaken if a new address is another's by now."""
    link, customer = links.take(session, token, CONFIRMING, at)
    if link.purpose == links.CONFIRM:
        if link.email != customer.email:
            raise links.LinkOver
        customer.confirmed_at = customer.confirmed_at or at
    elif link.purpose == links.ADDRESS:
        _change(session, customer, link.email, at)
    else:
        _take_back(session, customer, link.email, at)
    return link.purpose


def _change(session: Session, customer: Customer, email: str, at: datetime) -> None:
    """The old address is told, with a link that undoes it."""
    before = customer.email
    _move(session, customer, email, at)
    links.drop(session, customer.id, {links.PASSWORD, links.CONFIRM, links.ADDRESS})
    enqueue(session, "customers.mail_address_changed", {"customer_id": customer.id, "to": before})


def _take_back(session: Session, customer: Customer, email: str, at: datetime) -> None:
    """Somebody else changed the address: all that they may have let themselves in by ends, a new password is to be chosen."""
    _move(session, customer, email, at)
    customer.password_hash = NO_PASSWORD
    session.flush()
    session.execute(delete(Passkey).where(Passkey.customer_id == customer.id))
    shut(session, customer.id)
    enqueue(session, "customers.mail_reset", {"customer_id": customer.id})


def _move(session: Session, customer: Customer, email: str, at: datetime) -> None:
    taken = select(Customer.id).where(Customer.email == email, Customer.id != customer.id)
    if session.scalar(taken) is not None:
        raise AddressTaken(email)
    customer.email, customer.confirmed_at = email, at
    try:
        session.flush()
    except IntegrityError:
        raise AddressTaken(email) from None
