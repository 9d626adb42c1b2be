"""What the letters of this room say, in the language of the moment. Every one has text and HTML with the same words."""

from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from store.checkout.grant_film import why_missed
from store.checkout.models import Order, Receipt, Refund
from store.checkout.print_receipt import file_name, print_receipt
from store.checkout.receipt_words import write as write_receipt
from store.checkout.withdraw import Withdrawal
from store.language import site
from store.mail.letter import Letter, write
from store.rentals.models import Entitlement


@dataclass(frozen=True)
class Reader:
    """Who reads a letter: their name, and what credit they have now, in cents."""

    name: str
    credit_cents: int


def confirmation(reader: Reader, order: Order, receipt: Receipt | None, film_title: str) -> Letter:
    """The receipt of a sale: what was paid, what it gave. An order that the release before settled has none."""
    subject = _("Your prepaid card and its credit")
    if receipt:
        subject = _("Your prepaid card: receipt %(number)s", number=receipt.shown_number)
    words = {
        "order": order,
        "thanks": _thanks(order, film_title),
        "receipt": write_receipt(receipt) if receipt else None,
    }
    return _letter("confirmation", subject, reader, _on_paper(receipt), **words)


def credit_note(reader: Reader, note: Receipt, corrected: Receipt | None) -> Letter:
    """The credit note of a refund: what was given back, and what it corrects."""
    subject = _("Your credit note %(number)s", number=note.shown_number)
    return _letter("credit_note", subject, reader, _on_paper(note, corrected), receipt=write_receipt(note, corrected))


def restored_sale(reader: Reader, receipt: Receipt, note: Receipt | None) -> Letter:
    """A refund did not arrive after it was confirmed: the credit is back, and this receipt takes the credit note back."""
    subject = _("A refund that did not arrive: receipt %(number)s", number=receipt.shown_number)
    return _letter("restored_sale", subject, reader, _on_paper(receipt, note), receipt=write_receipt(receipt, note))


def failed_payment(reader: Reader, order: Order, film_title: str) -> Letter:
    """The bank did not pay a debit: nothing was charged."""
    subject = _("Your bank did not pay: nothing was charged")
    address = f"/films/{order.film_slug}" if order.purpose == "gap" else "/cartes"
    return _letter("failed", subject, reader, {}, order=order, address=address, film_title=film_title)


def missed_film(reader: Reader, order: Order, film_title: str) -> Letter:
    """A payment is credit, and why it did not go into the film that it was for."""
    missed = why_missed(order.film_outcome or "", film_title)
    subject = _("Your payment has become credit")
    return _letter("film_missed", subject, reader, {}, order=order, missed=missed, film_title=film_title)


def refunded_film(reader: Reader, held: Entitlement, title: str, cents: int) -> Letter:
    """A film could not be watched: so many cents of its price are credit again."""
    address = f"{current_app.config['SHOP_URL']}{site()}/compte/recus/films/{held.id}"
    subject = _("%(title)s: its price is yours again", title=title)
    return _letter("film_refunded", subject, reader, {}, title=title, held=held, cents=cents, address=address)


def withdrawal(reader: Reader, card_id: int, received: Withdrawal | None) -> Letter:
    """The dated acknowledgement of a withdrawal, on a durable medium (Directive 2011/83/EU, article 11a)."""
    address = f"{current_app.config['SHOP_URL']}{site()}/compte/cartes/{card_id}/retractation/recue"
    return _letter("withdrawal", _("Your withdrawal came in"), reader, {}, received=received, address=address)


def failed_refund(reader: Reader, refund: Refund) -> Letter:
    """The bank did not take a refund: the credit is back."""
    return _letter("refund_failed", _("A refund that did not arrive"), reader, {}, refund=refund)


def _letter(name: str, subject: str, reader: Reader, attachments: dict[str, bytes], **words: Any) -> Letter:
    return write(
        f"checkout/mail_{name}",
        subject,
        attachments=attachments,
        name=reader.name,
        credit_cents=reader.credit_cents,
        **words,
    )


def _on_paper(receipt: Receipt | None, corrected: Receipt | None = None) -> dict[str, bytes]:
    return {file_name(receipt): print_receipt(receipt, corrected)} if receipt else {}


def _thanks(order: Order, film_title: str) -> str:
    if order.purpose == "gap":
        return _("Thank you. What you paid has become credit, for %(title)s.", title=film_title)
    if order.purpose == "gift" and order.quantity > 1:
        return _("Thank you. The cards that you give are paid; in your account you see how far each has come.")
    if order.purpose == "gift":
        return _("Thank you. The card that you give is paid; in your account you see how far it has come.")
    if order.purpose == "suspended" and order.quantity > 1:
        return _(
            "Thank you. Your suspended cards are paid; we hand their codes to people who could not pay for a film."
        )
    if order.purpose == "suspended":
        return _("Thank you. Your suspended card is paid; we hand its code to somebody who could not pay for a film.")
    if order.quantity > 1:
        return _("Thank you. Your prepaid cards are paid and their credit is in your account.")
    return _("Thank you. Your prepaid card is paid and its credit is in your account.")
