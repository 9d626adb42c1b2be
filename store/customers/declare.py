"""What customers declare: the country that they live in, the code that opens films for adults."""

import re
from datetime import datetime, timedelta

from babel import Locale
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer, CustomerSession
from store.customers.sessions import digest

PIN_LASTS = timedelta(hours=4)
"""For how long a browser that was shown the code is not asked again: a film and the talk after it."""

NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Codes of Unicode's list of territories that name no place where one lives for the law."""

COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES
)


def country(session: Session, customer_id: int, code: str) -> None:
    """The customer lives in the country of this code, one of COUNTRIES."""
    session.execute(update(Customer).where(Customer.id == customer_id).values(country=code))


def pin(session: Session, customer_id: int, pin_hash: str) -> None:
    """The customer's code from now on; browsers that were shown the old one are asked for the new one."""
    session.execute(update(Customer).where(Customer.id == customer_id).values(pin_hash=pin_hash))
    session.execute(
        update(CustomerSession).where(CustomerSession.customer_id == customer_id).values(pin_entered_at=None)
    )


def pin_hash_of(session: Session, customer_id: int) -> str | None:
    """The digest of the customer's code; None while they have none."""
    return session.scalar(select(Customer.pin_hash).where(Customer.id == customer_id))


def pin_entered(session: Session, session_id: str, at: datetime) -> None:
    """This browser was shown the right code."""
    session.execute(
        update(CustomerSession).where(CustomerSession.digest == digest(session_id)).values(pin_entered_at=at)
    )


def is_open_for_adults(pin_entered_at: datetime | None, at: datetime) -> bool:
    """Whether a browser that was shown the code at this instant is not asked for it now."""
    return pin_entered_at is not None and at - pin_entered_at < PIN_LASTS
