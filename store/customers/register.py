"""Signing up: a customer and an empty wallet, together."""

from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.customers.models import Customer
from store.language import FRENCH
from store.ledger.post import open_wallet

LONGEST_ADDRESS = 254
"""Characters: the longest address that mail can be sent to (RFC 5321)."""


class AddressTaken(Exception):
    """Somebody has signed up with this address already."""


def normalise(address: str) -> str:
    """The one spelling under which we keep an address; raises ValueError with a sentence if it is none."""
    if len(address) > LONGEST_ADDRESS:
        raise ValueError(f"An email address has at most {LONGEST_ADDRESS} characters.")
    try:
        found = validate_email(address.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return found.normalized.lower()  # not casefold(): that turns ß into ss, another person's address


def register(
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str,
    currency: str,
    at: datetime,
    role: str | None = None,
    language: str = FRENCH,
    confirmed_at: datetime | None = None,
) -> int:
    """A new customer; returns the id. `email` is normalised, and confirmed if there is an instant.

    Raises AddressTaken, also for the loser of a race.
    """
    if session.scalar(select(Customer.id).where(Customer.email == email)) is not None:
        raise AddressTaken(email)
    wallet_id = open_wallet(session, currency, at)
    new_customer = insert(Customer).values(
        email=email,
        name=name,
        password_hash=password_hash,
        wallet_id=wallet_id,
        role=role,
        joined_at=at,
        language=language,
        confirmed_at=confirmed_at,
    )
    try:
        return session.scalars(new_customer.returning(Customer.id)).one()
    except IntegrityError:
        raise AddressTaken(email) from None
