"""Another password: chosen by the link of a letter, or by who knows the present one. Every other session ends."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store.customers import devices, links, passwords, sessions
from store.customers.models import Customer, Passkey
from store.jobs.enqueue import enqueue

OPENERS = {links.PASSWORD, links.ADDRESS}
"""Purposes of links that would still let somebody in, or away with the account, after its owner has shut the door."""


class WrongPassword(Exception):
    """It is not the password, or is no longer: it was changed meanwhile."""


def choose_by_link(session: Session, token: str, password_hash: str, at: datetime) -> int:
    """Set the password by a mailed link, which confirms the address too; returns the customer's id. Raises LinkOver.

    An address that was never confirmed may have been signed up with by somebody else: their passkeys end with their password.
    """
    link, customer = links.take(session, token, {links.PASSWORD}, at)
    if link.email != customer.email or link.stamp != passwords.stamp(customer.password_hash):
        raise links.LinkOver
    if customer.confirmed_at is None:
        session.execute(delete(Passkey).where(Passkey.customer_id == customer.id))
        customer.confirmed_at = at
    _set(session, customer, password_hash)
    return customer.id


def change(session: Session, customer_id: int, checked_hash: str, password_hash: str) -> None:
    """Set the password of who has shown the present one, whose digest is `checked_hash`. Raises WrongPassword."""
    _set(session, hold_unchanged(session, customer_id, checked_hash), password_hash)


def hold_unchanged(session: Session, customer_id: int, checked_hash: str) -> Customer:
    """The customer, their row held, while their password is still the one that was checked. Raises WrongPassword.

    Checking takes long and is done before: without this somebody could come in by a password that was changed meanwhile.
    """
    customer = session.scalars(select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True)).one()
    if customer.password_hash != checked_hash:
        raise WrongPassword
    return customer


def shut(session: Session, customer_id: int) -> None:
    """End whatever is open to the account now: sessions, remembered devices, links on their way."""
    sessions.end_all(session, customer_id)
    devices.forget_all(session, customer_id)
    links.drop(session, customer_id, OPENERS)


def _set(session: Session, customer: Customer, password_hash: str) -> None:
    customer.password_hash = password_hash
    session.flush()
    shut(session, customer.id)
    enqueue(session, "customers.mail_changed", {"customer_id": customer.id, "what": "password"})
