"""The letter that brings a given card: text and HTML in the same words, the ticket as a picture, the page to print beside it."""

from datetime import datetime

from flask_babel import gettext as _

from store.mail.letter import Letter, write
from store.prepaid_cards.codes import Keys, written
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.print_cards import activation_address, picture_ticket, print_gift, terms_of, ticket_of


def gift_letter(gift: Gift, card: PrepaidCard, *, giver: str, keys: Keys, at: datetime) -> Letter:
    """What is mailed to whom the card is given, in the language of the moment. Raises KeyIsGone."""
    code = written(code_on(keys, card))
    facts = ticket_of(card)
    return write(
        "prepaid_cards/mail_gift",
        _("%(giver)s gives you films to watch", giver=giver),
        pictures={"ticket": picture_ticket(facts)},
        attachments={f"{_('prepaid-card')}-{card.last4}.pdf": print_gift(gift, card, giver=giver, keys=keys, at=at)},
        gift=gift,
        credit_cents=card.worth_cents,
        giver=giver,
        message_lines=gift.message.strip().splitlines(),
        ticket_words=facts.words,
        code=code,
        address=activation_address(code),
        terms=terms_of(card),
    )
