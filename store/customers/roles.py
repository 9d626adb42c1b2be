"""Roles: who works here. Each change stands in the audit log."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.audit.record import record
from store.customers.models import STAFF, Customer


class NoSuchCustomer(Exception):
    """Nobody has signed up with this address."""


def grant(session: Session, email: str, role: str, *, by: int | None, at: datetime) -> bool:
    """Give the customer of this normalised address the role; False if they have it. Raises NoSuchCustomer."""
    return _change(session, email, role, by, at)


def revoke(session: Session, email: str, *, by: int | None, at: datetime) -> bool:
    """Take the role of the customer of this normalised address; False if they have none. Raises NoSuchCustomer."""
    return _change(session, email, None, by, at)


def staff_ids(session: Session) -> list[int]:
    """The ids of all who work here."""
    return list(session.scalars(select(Customer.id).where(Customer.role == STAFF).order_by(Customer.id)))


def _change(session: Session, email: str, role: str | None, by: int | None, at: datetime) -> bool:
    """`by` is the id of the customer who asked for it, None for the shell."""
    customer = session.scalar(select(Customer).where(Customer.email == email).with_for_update(key_share=True))
    if customer is None:
        raise NoSuchCustomer(email)
    before, customer.role = customer.role, role
    if before == role:
        return False
    act = "role.granted" if role else "role.revoked"
    record(session, actor=by, act=act, subject=f"customer:{customer.id}", facts={"role": role or before}, at=at)
    return True
