"""A receipt on paper."""

from dataclasses import asdict

from flask import current_app
from flask_babel import gettext as _

from store.checkout.models import Receipt
from store.checkout.receipt_words import write
from store.gateways.typesetter import typeset_pdf
from store.language import language, site
from store.prepaid_cards.print_cards import breakable, printable


def print_receipt(receipt: Receipt, corrected: Receipt | None = None) -> bytes:
    """An A4 page as an accessible PDF, the same whenever it is made; only very many lines need a second one."""
    words = write(receipt, corrected)
    data = asdict(words) | {
        "lang": language(),
        "shop": printable(receipt.seller_name),
        "seller_name": _("Seller"),
        "seller": [breakable(printable(line)) for line in words.seller],
        "buyer_name": _("Buyer"),
        "buyer": [breakable(printable(line)) for line in words.buyer],
        "columns": [_("What"), _("Count"), _("Sum")],
        "address": f"{current_app.config['SHOP_URL']}{site()}/compte/recus/{words.number}",
    }
    return typeset_pdf("checkout/receipt.typ", data, receipt.issued_at)


def file_name(receipt: Receipt) -> str:
    """How the PDF is called."""
    kind = _("credit-note") if receipt.series == "credit_note" else _("receipt")
    return f"{kind}-{receipt.shown_number}.pdf"
