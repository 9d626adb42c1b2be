"""The letters that open an account or tell its owner what happened to it; and forgetting what is over.

A link is made as its letter is written, so that its token stands in the letter alone. A letter that is sent again after a
failure has a link of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from flask import current_app
from sqlalchemy import not_, select

from store import clock
from store.customers import letters, links
from store.customers.language import writing_to
from store.customers.models import CLOSED, AccountLink, Customer, CustomerSession, PasskeyChallenge, RememberedDevice
from store.customers.sessions import LONGEST_REMEMBERED, digest, is_live
from store.db import db, transaction
from store.jobs.enqueue import every, job
from store.jobs.prune import prune
from store.language import site
from store.mail.deliver import deliver
from store.mail.letter import Letter

DEFAULT_ONWARD = ("", "/compte", "/en/compte")
"""Where one goes on anyway: not worth a line in a letter's link."""


@job("customers.mail_reset")
def mail_reset(customer_id: int | None, onward: str = "") -> None:
    """The link by which a new password is chosen; nobody is written to where nobody has signed up (None)."""
    customer = db.session.get(Customer, customer_id) if customer_id else None
    if customer is None or customer.password_hash == CLOSED:
        return
    link = _link(customer.id, links.PASSWORD, customer.email, "/mot-de-passe/", onward)
    with writing_to(db.session, customer.id):
        _send(customer, letters.reset(customer.name, link.address()), link.key)


@job("customers.mail_confirm")
def mail_confirm(customer_id: int, onward: str = "") -> None:
    """The link that confirms the address that one signed up with."""
    customer = db.session.get(Customer, customer_id)
    if customer is None or customer.confirmed_at:
        return
    link = _link(customer.id, links.CONFIRM, customer.email, "/confirmer/", onward)
    with writing_to(db.session, customer.id):
        _send(customer, letters.confirm(customer.name, link.address()), link.key)


@job("customers.mail_new_address")
def mail_new_address(customer_id: int, to: str) -> None:
    """The link that makes a new address the account's; to one that has an account already nothing is sent."""
    customer = db.session.get(Customer, customer_id)
    is_taken = db.session.scalar(select(Customer.id).where(Customer.email == to)) is not None
    if customer is None or is_taken:
        return
    link = _link(customer.id, links.ADDRESS, to, "/confirmer/")
    with writing_to(db.session, customer.id):
        _send(customer, letters.new_address(customer.name, link.address()), link.key, to=to)


@job("customers.mail_address_changed")
def mail_address_changed(customer_id: int, to: str) -> None:
    """The old address is told, with a link that takes it back."""
    customer = db.session.get(Customer, customer_id)
    if customer is None:
        return
    link = _link(customer.id, links.UNDO, to, "/confirmer/")
    with writing_to(db.session, customer.id):
        letter = letters.address_changed(customer.name, customer.email, link.address())
        _send(customer, letter, link.key, to=to)


@job("customers.mail_changed")
def mail_changed(customer_id: int, what: str) -> None:
    """What opens the account was changed: its `password`, or a `passkey` was added."""
    customer = db.session.get(Customer, customer_id)
    if customer is None:
        return
    with writing_to(db.session, customer.id):
        key = f"changed-{customer.id}-{clock.now():%Y%m%d%H%M%S%f}"
        _send(customer, letters.changed(customer.name, what), key)


@job("customers.mail_new_device")
def mail_new_device(customer_id: int, device: str, at: str) -> None:
    """Somebody signed in from a device that the customer does not know: they, perhaps."""
    customer = db.session.get(Customer, customer_id)
    if customer is None:
        return
    with writing_to(db.session, customer.id):
        moment = datetime.fromisoformat(at)
        key = f"device-{customer.id}-{moment:%Y%m%d%H%M%S%f}"
        _send(customer, letters.new_device(customer.name, device, moment), key)


@every(timedelta(days=1))
@job("customers.prune", lane="slow")
def prune_what_is_over() -> None:
    """Delete sessions, links and challenges that are over, and devices that did not come back."""
    now = clock.now()
    prune(CustomerSession.digest, not_(is_live(now)))
    prune(AccountLink.digest, AccountLink.expires_at <= now)
    prune(PasskeyChallenge.digest, PasskeyChallenge.expires_at <= now)
    lives = select(CustomerSession.device_id).where(CustomerSession.device_id.is_not(None))
    gone = RememberedDevice.seen_at <= now - LONGEST_REMEMBERED
    prune(RememberedDevice.id, gone & RememberedDevice.id.not_in(lives))


@dataclass(frozen=True)
class _MailedLink:
    page: str
    token: str
    onward: str

    @property
    def key(self) -> str:
        """Names the letter: no part of the token."""
        return f"link-{digest(self.token)[:24]}"

    def address(self) -> str:
        """On the shop's own address whoever asked, in the language of the letter."""
        query = f"?next={quote(self.onward)}" if self.onward not in DEFAULT_ONWARD else ""
        return f"{current_app.config['SHOP_URL']}{site()}{self.page}{self.token}{query}"


def _link(customer_id: int, purpose: str, email: str, page: str, onward: str = "") -> _MailedLink:
    with transaction() as session:
        customer = session.get_one(Customer, customer_id)
        return _MailedLink(page, links.make(session, purpose, customer, email, clock.now()), onward)


def _send(customer: Customer, letter: Letter, key: str, to: str | None = None) -> None:
    deliver(letter, key=key, to=to or customer.email)
