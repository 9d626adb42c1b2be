"""Devices that asked to stay signed in, and whether a browser is one that its owner knows."""

import secrets
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store.customers.device_name import device_name
from store.customers.models import CustomerSession, RememberedDevice
from store.customers.sessions import digest, is_live


def recognise(session: Session, customer_id: int, token: str) -> int | None:
    """The id of the customer's device that holds this token; None if it is none of theirs."""
    return session.scalar(
        select(RememberedDevice.id).where(
            RememberedDevice.digest == digest(token), RememberedDevice.customer_id == customer_id
        )
    )


def remember(session: Session, customer_id: int, user_agent: str, at: datetime) -> tuple[int, str]:
    """Note a device; returns its id, and the token that its cookie holds from now on."""
    token = secrets.token_urlsafe(32)
    device_id = session.scalars(
        insert(RememberedDevice)
        .values(customer_id=customer_id, digest=digest(token), user_agent=user_agent[:300], made_at=at, seen_at=at)
        .returning(RememberedDevice.id)
    ).one()
    return device_id, token


def renew(session: Session, device_id: int, user_agent: str, at: datetime) -> str:
    """A known device signs in again: a new token takes the old one's place, and a copy of the old one means nothing."""
    token = secrets.token_urlsafe(32)
    session.execute(
        update(RememberedDevice)
        .where(RememberedDevice.id == device_id)
        .values(digest=digest(token), user_agent=user_agent[:300], seen_at=at)
    )
    return token


def of_customer(session: Session, customer_id: int) -> list[RememberedDevice]:
    """The customer's devices, the one that signed in last first."""
    return list(
        session.scalars(
            select(RememberedDevice)
            .where(RememberedDevice.customer_id == customer_id)
            .order_by(RememberedDevice.seen_at.desc(), RememberedDevice.id)
        )
    )


def forget(session: Session, customer_id: int, device_id: int) -> bool:
    """Forget one of the customer's own devices and end its sessions; False if it is none of theirs."""
    if (
        session.scalar(
            select(RememberedDevice.id).where(
                RememberedDevice.id == device_id, RememberedDevice.customer_id == customer_id
            )
        )
        is None
    ):
        return False
    session.execute(delete(CustomerSession).where(CustomerSession.device_id == device_id))
    session.execute(delete(RememberedDevice).where(RememberedDevice.id == device_id))
    return True


def forget_all(session: Session, customer_id: int) -> None:
    """Forget every device of the customer. Their sessions have ended before."""
    session.execute(delete(RememberedDevice).where(RememberedDevice.customer_id == customer_id))


def is_like_a_known_one(session: Session, customer_id: int, user_agent: str, at: datetime) -> bool:
    """Whether the customer is signed in by the same kind of browser on the same kind of machine already.

    Who does not want a cookie of the device's own is known by no more than this: no address, no trace of the machine.
    """
    known = session.scalars(
        select(CustomerSession.user_agent).where(CustomerSession.customer_id == customer_id, is_live(at))
    )
    return device_name(user_agent) in map(device_name, known)
