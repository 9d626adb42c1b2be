"""A letter on its way: the last look at whether there is still somebody to send it to, then the mail server."""

import structlog

from store import clock
from store.db import db, transaction
from store.gateways import mailer
from store.gateways.mailer import AddressRefused
from store.mail import bounces
from store.mail.letter import Letter

log = structlog.get_logger()


def deliver(letter: Letter, *, key: str, to: str, is_essential: bool = True, stop_address: str | None = None) -> bool:
    """Hand the letter over, under the `key` that names it; False when it stays here.

    Who erased their account has a pseudonym for an address: nothing is sent. Where letters bounced only those go that law or
    safety ask for (`is_essential`). `stop_address` is where one says that one wants no more of this kind. An address that the
    mail server refuses for good is noted and not tried again; everything else is raised, and the job tries again.
    """
    if "@" not in to or (not is_essential and bounces.find(db.session, to)):
        return False
    db.session.rollback()  # the mail server is slow: no read stays open meanwhile
    try:
        mailer.send(
            key=key,
            to=to,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            pictures=letter.pictures,
            attachments=letter.attachments,
            stop_address=stop_address,
        )
    except AddressRefused as refusal:
        log.warning("an address refuses our letters", status=refusal.status)
        with transaction() as session:
            bounces.note(session, to, status=refusal.status, said=refusal.said, at=clock.now())
        return False
    return True
