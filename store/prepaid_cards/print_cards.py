"""Cards on paper: the page of one that is given, and the sheets of a batch. Set in the language of the moment.

What our faces have no letter for is left out of names and messages; `unprintable()` tells whoever writes them beforehand.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from store.catalogue.lettering import FONTS, Typeface
from store.gateways.typesetter import typeset_pdf, typeset_png
from store.language import language, site
from store.prepaid_cards.batch import PrintedCard
from store.prepaid_cards.codes import Keys, written
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.ticket import TicketFacts, draw_ticket

SHARP_DOTS_PER_INCH = 192  # twice what a pixel of a drawing is
BOOK = 200  # tickets set at once: Typst remembers its last ten works, 0.15 MB a ticket
LONGEST_WORD = 30
BREAK_HERE = "\u200b"
VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))  # ask for one of a sign's two forms, such as text or emoji


def print_gift(gift: Gift, card: PrepaidCard, *, giver: str, keys: Keys, at: datetime) -> bytes:
    """One A4 page to give away, as an accessible PDF: whom it is for, from whom, the ticket, its code and what to do with it.

    Raises KeyIsGone when the card's code can no longer be worked out.
    """
    code = written(code_on(keys, card))
    facts = ticket_of(card, address=activation_address(code))
    name, giver = printable(gift.recipient_name), printable(giver)
    data = {
        "lang": language(),
        "title": _("Prepaid card of %(sum)s, given", sum=facts.sum),
        "shop": printable(_shop_name()),
        "kind": _("A prepaid card, given"),
        "heading": breakable(_("For %(name)s", name=name) if name else _("For you")),
        "message": breakable(re.sub(r"\n{3,}", "\n\n", printable(gift.message))),
        "signature": breakable(_elided(_("from %(name)s", name=giver))) if giver else "",
        "ticket": draw_ticket(facts, "page"),
        "ticket_words": _("%(words)s. The square leads to %(address)s", words=facts.words, address=facts.address),
        "code_label": _("Its code"),
        "code": code,
        "how": [breakable(line.replace("/", f"/{BREAK_HERE}")) for line in how_to_use(card)],
        "terms": terms_of(card),
    }
    return typeset_pdf("prepaid_cards/gift.typ", data, at)


def print_sheets(cards: Iterable[PrintedCard], at: datetime) -> Iterator[bytes]:
    """A batch on A4 sheets of ten tickets with cut marks: one accessible PDF after the other, of twenty sheets at most."""
    waiting = iter(cards)
    while book := list(islice(waiting, BOOK)):
        tickets = [_printed_ticket(card) for card in book]
        data = {
            "lang": language(),
            "title": _("Prepaid cards %(first)s to %(last)s", first=book[0].serial, last=book[-1].serial),
            "shop": printable(_shop_name()),
            "tickets": [{"drawing": draw_ticket(ticket, "sheet"), "words": ticket.words} for ticket in tickets],
        }
        yield typeset_pdf("prepaid_cards/sheets.typ", data, at)


def picture_ticket(facts: TicketFacts) -> bytes:
    """The drawing as a PNG of 720 × 264, for letters: their readers show no SVG."""
    return typeset_png("prepaid_cards/ticket.typ", {"drawing": draw_ticket(facts)}, SHARP_DOTS_PER_INCH)


def ticket_of(card: PrepaidCard, address: str | None = None) -> TicketFacts:
    """The ticket of a card that nobody has redeemed yet; with an address it has the square that leads there."""
    return TicketFacts(
        title=_("Prepaid card"),
        sum=_written("whole_money", card.price_cents),
        line=_("%(sum)s of credit", sum=_written("money", card.worth_cents)),
        stub=f"{_('No.')}\u00a0{card.last4}",
        remaining=card.worth_cents,
        initial=card.credit_cents,
        address=address,
    )


def activation_address(code: str) -> str:
    """Where a code is redeemed. It stands behind `#`, which browsers keep to themselves."""
    return f"{current_app.config['SHOP_URL']}{site()}/cartes/activer#{code}"


def how_to_use(card: PrepaidCard) -> list[str]:
    """Three short lines."""
    place = current_app.config["SHOP_URL"].partition("://")[2] + site() + "/cartes/activer"
    return [
        _("Open %(place)s, or hold a telephone’s camera to the square.", place=place),
        _("Sign in, or make an account: it is free."),
        _(
            "Enter the code: %(sum)s of credit are yours, to rent or buy films.",
            sum=_written("money", card.worth_cents),
        ),
    ]


def terms_of(card: PrepaidCard) -> str:
    """Until when, where and how often the card is good."""
    bonus_cents = card.bonus_left_cents
    kept = _("What was paid for never expires.")
    if bonus_cents:
        bonus = _written("money", bonus_cents)
        kept = _(
            "What was paid for never expires; the %(bonus)s on top are good for twelve months from activation.",
            bonus=bonus,
        )
    return f"{kept} {_('The code works once, in this shop alone: keep it like a banknote.')}"


def unprintable(text: str) -> str:
    """The signs of `text` that print leaves out, each once; empty if it has them all."""
    return "".join(dict.fromkeys(sign for sign in unicodedata.normalize("NFC", text) if _is_missing(sign)))


def printable(text: str) -> str:
    """`text` without what our faces lack; its lines stay lines."""
    return "\n".join(_printable_line(line) for line in text.splitlines()).strip()


def breakable(text: str) -> str:
    """Words too long for a line may be broken anywhere."""
    return re.sub(rf"[^\s{BREAK_HERE}]{{{LONGEST_WORD}}}(?=\S)", rf"\g<0>{BREAK_HERE}", text)


def _printable_line(line: str) -> str:
    composed = unicodedata.normalize("NFC", line)
    kept = (sign if _has_glyph(sign) else " " if sign.isspace() else "" for sign in composed)
    return re.sub(" {2,}", " ", "".join(kept)).strip()


def _is_missing(sign: str) -> bool:
    """Whether print loses something with it: spaces, controls, and the joiners and variants of emoji do not count."""
    has_no_form = sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf") or sign in VARIANTS
    return not has_no_form and not _has_glyph(sign)


def _has_glyph(sign: str) -> bool:
    return unicodedata.category(sign)[0] != "C" and any(face.covers(sign) for face in _faces())


@cache
def _faces() -> tuple[Typeface, ...]:
    """The faces of `lettering` and the reading face: what `gift.typ` chooses from, for each text the last at least."""
    return (Typeface(FONTS / "SourceSerif4-Text.ttf"),)


def _printed_ticket(card: PrintedCard) -> TicketFacts:
    code = written(card.code)
    return TicketFacts(
        title=_("Prepaid card %(shop)s", shop=printable(_shop_name())),
        sum=_written("whole_money", card.price_cents),
        line=_("%(sum)s of credit", sum=_written("money", card.credit_cents)),
        stub=card.serial,
        code=code,
        address=activation_address(code),
    )


def _written(filter_name: str, cents: int) -> str:
    write: Any = current_app.jinja_env.filters[filter_name]
    return str(write(cents))


def _elided(sentence: str) -> str:
    """« de la part d’Agnès »."""
    elide: Any = current_app.jinja_env.filters["elide"]
    return str(elide(sentence))


def _shop_name() -> str:
    return str(current_app.config["SHOP_NAME"])
