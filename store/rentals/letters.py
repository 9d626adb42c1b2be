"""What the letters of this room say, in the language of the moment."""

from flask_babel import gettext as _

from store.mail.letter import Letter, write
from store.rentals.models import Entitlement


def granted(name: str, held: Entitlement, title: str, slug: str) -> Letter:
    """A rental or a purchase is confirmed: what, how much, until when."""
    subject = _("%(title)s is yours to watch", title=title)
    return write("rentals/mail_granted", subject, name=name, held=held, title=title, slug=slug)


def begun(name: str, held: Entitlement, title: str, slug: str) -> Letter:
    """The customer wished to begin at once and gave up the right to withdraw: the law asks that this is confirmed."""
    subject = _("%(title)s: your rental has begun", title=title)
    return write("rentals/mail_begun", subject, name=name, held=held, title=title, slug=slug)
