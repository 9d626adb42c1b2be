"""Links that are mailed and do one thing once. The token is in the letter alone; the table keeps its digest."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from store.customers import passwords
from store.customers.models import AccountLink, Customer
from store.customers.sessions import digest

PASSWORD, CONFIRM, ADDRESS, UNDO = "password", "confirm", "address", "undo"
"""Choose a new password; confirm the address that one signed up with; confirm a new one; take the old one back."""

LIVES = {
    PASSWORD: timedelta(hours=1),
    CONFIRM: timedelta(days=7),
    ADDRESS: timedelta(days=1),
    UNDO: timedelta(days=7),
}


class LinkOver(Exception):
    """There is no such link: never was, was used, was replaced or is too old."""


def make(session: Session, purpose: str, customer: Customer, email: str, at: datetime) -> str:
    """A link about this address of the customer's; returns its token, which is to be written into a letter only."""
    token = secrets.token_urlsafe(32)
    session.execute(
        insert(AccountLink).values(
            digest=digest(token),
            purpose=purpose,
            customer_id=customer.id,
            email=email,
            stamp=passwords.stamp(customer.password_hash),
            expires_at=at + LIVES[purpose],
        )
    )
    return token


def find(session: Session, token: str, purposes: set[str], at: datetime) -> AccountLink:
    """The link of this token, to be shown what it will do. Raises LinkOver."""
    found = session.scalar(
        select(AccountLink).where(
            AccountLink.digest == digest(token), AccountLink.purpose.in_(purposes), AccountLink.expires_at > at
        )
    )
    if found is None:
        raise LinkOver
    return found


def take(session: Session, token: str, purposes: set[str], at: datetime) -> tuple[AccountLink, Customer]:
    """Use the link up; returns it and its customer, whose row is held. Raises LinkOver, also for the loser of a race."""
    link = find(session, token, purposes, at)
    customer = session.scalars(
        select(Customer).where(Customer.id == link.customer_id).with_for_update(key_share=True)
    ).one()
    used = delete(AccountLink).where(AccountLink.digest == link.digest).returning(AccountLink.digest)
    if session.scalar(used) is None:
        raise LinkOver
    return link, customer


def drop(session: Session, customer_id: int, purposes: set[str]) -> None:
    """What was mailed for these purposes opens nothing any more."""
    session.execute(
        delete(AccountLink).where(AccountLink.customer_id == customer_id, AccountLink.purpose.in_(purposes))
    )
