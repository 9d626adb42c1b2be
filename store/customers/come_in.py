"""Coming in: the session of a browser whose owner has just shown who they are."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from store.customers import devices, sessions
from store.customers.device_name import device_name
from store.jobs.enqueue import enqueue


@dataclass(frozen=True)
class Browser:
    """What a browser brings along: its own description, the session it had, the token of the device it may be."""

    user_agent: str
    earlier_session_id: str | None
    device_token: str


@dataclass(frozen=True)
class Entered:
    """What the browser takes away: the session's id and, if it stays signed in, the device's token."""

    session_id: str
    device_token: str | None


def come_in(
    session: Session,
    customer_id: int,
    browser: Browser,
    at: datetime,
    *,
    stays: bool,
    with_second_factor: bool = False,
    is_announced: bool = True,
) -> Entered:
    """Begin a session; the one that this browser had ends. A device that the customer does not know is told to them by mail.

    `stays`: the device asked to be remembered. Who does not ask any more is forgotten.
    """
    if browser.earlier_session_id:
        sessions.end(session, browser.earlier_session_id)
    device_id = devices.recognise(session, customer_id, browser.device_token)
    is_known = device_id is not None or devices.is_like_a_known_one(session, customer_id, browser.user_agent, at)
    token = None
    if stays and device_id is not None:
        token = devices.renew(session, device_id, browser.user_agent, at)
    elif stays:
        device_id, token = devices.remember(session, customer_id, browser.user_agent, at)
    elif device_id is not None:
        devices.forget(session, customer_id, device_id)
        device_id = None
    session_id = sessions.begin(
        session, customer_id, browser.user_agent, at, device_id=device_id, with_second_factor=with_second_factor
    )
    if is_announced and not is_known:
        enqueue(
            session,
            "customers.mail_new_device",
            {"customer_id": customer_id, "device": device_name(browser.user_agent), "at": at.isoformat()},
        )
    return Entered(session_id, token)
