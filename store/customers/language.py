"""In which language a customer is written to: that of the page on which they signed up, until they choose the other."""

from contextlib import AbstractContextManager

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer
from store.language import speaking


def language_of(session: Session, customer_id: int) -> str:
    """`fr` or `en`."""
    return session.scalars(select(Customer.language).where(Customer.id == customer_id)).one()


def writing_to(session: Session, customer_id: int) -> AbstractContextManager[None]:
    """Inside, all is written in the customer's language."""
    return speaking(language_of(session, customer_id))


def choose_language(session: Session, customer_id: int, language: str) -> None:
    """From now on, letters are in this one."""
    session.execute(update(Customer).where(Customer.id == customer_id).values(language=language))
