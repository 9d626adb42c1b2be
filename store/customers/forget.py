"""An account is closed, then forgotten: nobody can sign in to it, and in the end nothing names whose it was."""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from store.customers.models import (
    CLOSED,
    AccountLink,
    Customer,
    CustomerSession,
    Passkey,
    RecoveryCode,
    RememberedDevice,
    SecondFactor,
)

OPENERS = (CustomerSession, RememberedDevice, AccountLink, Passkey, SecondFactor, RecoveryCode)
"""All that lets somebody in, in an order in which each can go."""


def pseudonym_of(customer_id: int) -> str:
    """What stands in the place of name and address: `customer:12`, under which books and log know the customer anyway."""
    return f"customer:{customer_id}"


def close(session: Session, customer_id: int) -> None:
    """Nobody is signed in to the account any more, and nobody can be."""
    for opener in OPENERS:
        session.execute(delete(opener).where(opener.customer_id == customer_id))
    session.execute(
        update(Customer)
        .where(Customer.id == customer_id)
        .values(password_hash=CLOSED, role=None, pin_hash=None, keeps_history_since=None)
    )


def forget(session: Session, customer_id: int) -> None:
    """Nothing in this room says whose account it was; its row stays, for orders and books refer to it."""
    close(session, customer_id)
    pseudonym = pseudonym_of(customer_id)
    session.execute(
        update(Customer)
        .where(Customer.id == customer_id)
        .values(email=pseudonym, name=pseudonym, country=None, wants_reminders=False)
    )
