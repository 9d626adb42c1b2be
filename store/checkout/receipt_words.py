"""A receipt in words, in the language of the moment: the same on the page, in the letter and in the PDF."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from store.checkout.models import Receipt
from store.checkout.receipts import CREDIT_NOTE
from store.prepaid_cards.models import SINGLE_PURPOSE

MOST_NUMBERS = 5
"""Of cards, that a line names."""


@dataclass(frozen=True)
class WrittenLine:
    """What was sold or given back, what one has to know of it, how many at which price, and their sum."""

    label: str
    detail: str
    count: str
    sum: str


@dataclass(frozen=True)
class WrittenReceipt:
    """All that a receipt says. `subtotals` and `total` are names with sums, `facts` names with one or several lines."""

    number: str
    title: str
    seller: list[str]
    buyer: list[str]
    facts: list[tuple[str, str]]
    lines: list[WrittenLine]
    subtotals: list[tuple[str, str]]
    total: tuple[str, str]
    vat_words: str


def write(receipt: Receipt, corrected: Receipt | None = None) -> WrittenReceipt:
    """The receipt's words; `corrected` is the one that it corrects."""
    number = receipt.shown_number
    return WrittenReceipt(
        number=number,
        title=title_of(receipt),
        seller=[receipt.seller_name, receipt.seller_imprint],
        buyer=[receipt.buyer_name, receipt.buyer_email],
        facts=_facts(receipt, corrected),
        lines=[_line(line, receipt) for line in receipt.lines],
        subtotals=_subtotals(receipt),
        total=(_name_of_total(receipt), _written("money", receipt.total_cents)),
        vat_words=_vat_words(receipt),
    )


def title_of(receipt: Receipt) -> str:
    """What it is, and its number."""
    number = receipt.shown_number
    return (
        _("Credit note %(number)s", number=number)
        if receipt.series == CREDIT_NOTE
        else _("Receipt %(number)s", number=number)
    )


def _name_of_total(receipt: Receipt) -> str:
    if receipt.takes_back:
        return _("Total sold again")
    return _("Total given back") if receipt.series == CREDIT_NOTE else _("Total paid")


def _facts(receipt: Receipt, corrected: Receipt | None) -> list[tuple[str, str]]:
    if receipt.takes_back and corrected:
        return _facts_of_restored_sale(receipt, corrected)
    return _facts_of_credit_note(receipt, corrected) if receipt.series == CREDIT_NOTE else _facts_of_sale(receipt)


def _facts_of_restored_sale(receipt: Receipt, credit_note: Receipt) -> list[tuple[str, str]]:
    day = _written("full_day", credit_note.issued_at)
    return [
        (_("Date"), _written("full_day", receipt.issued_at)),
        (_("Takes back"), _("credit note %(number)s of %(day)s", number=credit_note.shown_number, day=day)),
        (_("Why"), _("its refund did not arrive: your credit is back")),
        (_("Terms of sale"), _("version %(version)s", version=receipt.terms_version)),
    ]


def _facts_of_sale(receipt: Receipt) -> list[tuple[str, str]]:
    return [
        (_("Date"), _written("full_day", receipt.issued_at)),
        (_("Your order"), _("no. %(number)s", number=receipt.order_id)),
        (_("Payment"), _("in one payment, through Stripe")),
        (_("Terms of sale"), _("version %(version)s", version=receipt.terms_version)),
    ]


def _facts_of_credit_note(receipt: Receipt, corrected: Receipt | None) -> list[tuple[str, str]]:
    order = _("order no. %(number)s", number=receipt.order_id)
    if corrected:
        day = _written("full_day", corrected.issued_at)
        order = _("receipt %(number)s of %(day)s", number=corrected.shown_number, day=day)
    return [
        (_("Date"), _written("full_day", receipt.issued_at)),
        (_("Corrects"), order),
        (_("Given back"), _("by the means of the payment, through Stripe")),
        (_("Terms of sale"), _("version %(version)s", version=receipt.terms_version)),
    ]


def _line(line: dict[str, Any], receipt: Receipt) -> WrittenLine:
    quantity, unit_cents = line["quantity"], line["unit_cents"]
    return WrittenLine(
        label=_("Prepaid card, sold again") if receipt.takes_back else _label(line["what"], quantity),
        detail=", ".join(_details(quantity, line["numbers"], line["credit_cents"])),
        count=f"{quantity}\u00a0×\u00a0{_written('money', unit_cents)}",
        sum=_written("money", quantity * unit_cents),
    )


def _label(what: str, quantity: int) -> str:
    if what == "refund":
        return _("Prepaid card, given back")
    return _("Prepaid cards") if quantity > 1 else _("Prepaid card")


def _details(quantity: int, numbers: list[str], credit_cents: int | None) -> Iterator[str]:
    if len(numbers) <= MOST_NUMBERS:
        yield f"{_('No.')}\u00a0{', '.join(numbers)}"
    if credit_cents:
        credit = _written("money", credit_cents)
        yield _("%(sum)s of credit each", sum=credit) if quantity > 1 else _("%(sum)s of credit", sum=credit)


def _subtotals(receipt: Receipt) -> list[tuple[str, str]]:
    """Without VAT, and the VAT: of single-purpose cards alone."""
    if receipt.vat_percent is None:
        return []
    return [
        (_("Without VAT"), _written("money", receipt.total_cents - receipt.vat_cents)),
        (
            _("VAT %(percent)s", percent=_written("percent", Decimal(receipt.vat_percent))),
            _written("money", receipt.vat_cents),
        ),
    ]


def _vat_words(receipt: Receipt) -> str:
    if receipt.vat_mode == SINGLE_PURPOSE:
        return _(
            "Single-purpose voucher: VAT is due on its sale, and none when its credit is used (Directive 2006/112/EC,"
            " art. 30a and 30b; French tax code, art. 256 ter)."
        )
    return _(
        "Multi-purpose voucher: no VAT is due on its sale, it is due when its credit is used (Directive 2006/112/EC,"
        " art. 30a and 30b; French tax code, art. 256 ter)."
    )


def _written(filter_name: str, value: int | Decimal | datetime) -> str:
    write: Any = current_app.jinja_env.filters[filter_name]
    return str(write(value))
