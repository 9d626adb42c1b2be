"""The words of the letters about an account, in the language of the moment."""

from datetime import datetime

from flask_babel import gettext as _

from store.mail.letter import Letter, write


def reset(name: str, address: str) -> Letter:
    """The link at `address` chooses a new password."""
    return write("customers/mail_reset", _("Choose a new password"), name=name, address=address)


def confirm(name: str, address: str) -> Letter:
    """The link confirms the address that one signed up with."""
    return write("customers/mail_confirm", _("Confirm your address"), name=name, address=address)


def new_address(name: str, address: str) -> Letter:
    """The link makes the address that this is sent to the account's."""
    return write("customers/mail_new_address", _("Confirm your new address"), name=name, address=address)


def address_changed(name: str, email: str, address: str) -> Letter:
    """The account's address is `email` now; the link takes back that to which this is sent."""
    subject = _("The address of your account was changed")
    return write("customers/mail_address_changed", subject, name=name, email=email, address=address)


def changed(name: str, what: str) -> Letter:
    """What opens the account was changed: its `password`, or a `passkey` was added."""
    subject = _("Your password was changed") if what == "password" else _("A passkey was added to your account")
    return write("customers/mail_changed", subject, name=name, what=what)


def new_device(name: str, device: str, at: datetime) -> Letter:
    """Somebody signed in on a device that the account does not know."""
    return write("customers/mail_new_device", _("You signed in on a new device"), name=name, device=device, at=at)
