"""The letter that brings a given card: text and HTML in the same words, the ticket as a picture, the page to print beside it."""

from dataclasses import dataclass
from datetime import datetime

from flask import render_template
from flask_babel import gettext as _

from store.prepaid_cards.codes import Keys, written
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.print_cards import activation_address, picture_ticket, print_gift, terms_of, ticket_of


@dataclass(frozen=True)
class GiftLetter:
    """The same words as text and as HTML.

    `pictures` are PNGs by the Content-ID under which the HTML shows them, `attachments` PDFs by their file names.
    """

    subject: str
    text: str
    html: str
    pictures: dict[str, bytes]
    attachments: dict[str, bytes]


def gift_letter(gift: Gift, card: PrepaidCard, *, giver: str, keys: Keys, at: datetime) -> GiftLetter:
    """What is mailed to whom the card is given, in the language of the moment. Raises KeyIsGone."""
    code = written(code_on(keys, card))
    facts = ticket_of(card)
    words = {
        "subject": _("%(giver)s gives you films to watch", giver=giver),
        "gift": gift,
        "credit_cents": card.worth_cents,
        "giver": giver,
        "message_lines": gift.message.strip().splitlines(),
        "ticket_words": facts.words,
        "code": code,
        "address": activation_address(code),
        "terms": terms_of(card),
    }
    return GiftLetter(
        subject=words["subject"],
        text=render_template("prepaid_cards/mail_gift.txt", **words),
        html=render_template("prepaid_cards/mail_gift.html", **words),
        pictures={"ticket": picture_ticket(facts)},
        attachments={f"{_('prepaid-card')}-{card.last4}.pdf": print_gift(gift, card, giver=giver, keys=keys, at=at)},
    )
