"""What each kind of alert says, and what each of its facts means.

A sentence holds no fact, so that one that is missing or odd spoils none; a kind or a fact without words is shown as it is.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _

from store.audit.models import Facts

CENTS, INSTANT, TEXT = "cents", "instant", "text"
GREATEST_CENTS = 10**15
YEARS = range(1970, 9000)


@dataclass(frozen=True)
class Words:
    """What happened, what was not lost, what to do next."""

    title: str
    happened: str
    kept: str
    next_step: str


@dataclass(frozen=True)
class Fact:
    """One fact: `value` is an int of cents (in `currency`, None for the shop's own), an instant, or text as `unit` says."""

    name: str
    label: str
    unit: str
    value: Any
    currency: str | None = None


WORDS = {
    "order_refused": Words(
        _("Stripe refuses an order"),
        _(
            "Stripe would not open its page for an order, and says why by the code below: as long as that lasts, nobody can buy."
        ),
        _("Nothing was charged, and the order can be placed again."),
        _("Look the code up at docs.stripe.com/error-codes, and whether Stripe’s dashboard asks for something."),
    ),
    "payment_mismatch": Words(
        _("A payment does not match its order"),
        _("Stripe collected a payment whose sum, currency or Session is not the one of its order."),
        _("The money is at Stripe; no credit was given for it."),
        _("Look at the payment in Stripe’s dashboard, refund it there and write to the customer."),
    ),
    "payment_for_unknown_order": Words(
        _("A payment for no order of ours"),
        _(
            "Stripe collected a payment for an order that this shop does not have: perhaps another shop’s, on the same account."
        ),
        _("The money is at Stripe; nobody was given credit for it."),
        _("If it belongs to another shop, mark it as seen. If it belongs to nobody, refund it in Stripe’s dashboard."),
    ),
    "refund_outside": Words(
        _("A card was refunded in Stripe’s dashboard"),
        _("Somebody refunded an order in Stripe’s dashboard instead of here."),
        _("The books followed: the same sum was taken from what remained of the card, and from nothing else."),
        _("If you know who did it, mark it as seen. If not, ask whoever has access to the dashboard."),
    ),
    "refund_beyond_credit": Words(
        _("A refund larger than what remained of the card"),
        _("More was refunded in Stripe’s dashboard than the card still held."),
        _(
            "What remained of the card was taken, the rest is owed, and the wallet is frozen: nothing more can be spent from it."
        ),
        _("Write to the customer and agree on how the rest is paid. Their films stay theirs."),
    ),
    "refund_failed": Words(
        _("A refund did not reach the customer"),
        _("Stripe could not pay a refund back; mostly the bank account or the bank card exists no more."),
        _("The credit is the customer’s again, and the money is back at Stripe."),
        _("Write to the customer: they keep their credit, or you pay them in another way."),
    ),
    "dispute_opened": Words(
        _("A bank disputes a payment"),
        _("The customer’s bank has pulled the money of a payment back and asks for our side."),
        _("What remained of the card is held: it cannot be spent, and comes back if we win."),
        _("Answer in Stripe’s dashboard before the day below: who does not answer loses."),
    ),
    "dispute_won": Words(
        _("A dispute is won"),
        _("The bank has decided for us, and Stripe has the money again."),
        _("What was held of the card is the customer’s to spend again."),
        _("Nothing is left to do: mark it as seen."),
    ),
    "dispute_lost": Words(
        _("A dispute is lost"),
        _("The bank has decided for the customer: the money of this payment is gone."),
        _("What was held of the card is written off in the books; the customer’s other cards are untouched."),
        _("Look at the customer’s other payments in Stripe’s dashboard: disputes seldom come alone."),
    ),
    "reconcile_differences": Words(
        _("Stripe and our books do not agree"),
        _("The comparison of what Stripe collected with what our books say found differences."),
        _("Whatever was only missing here was made up for; nothing booked was changed."),
        _(
            "Have “flask payments reconcile” run: it prints each difference. Go through them with whoever keeps the books."
        ),
    ),
    "card_guessing": Words(
        _("Somebody may be guessing card codes"),
        _("Within an hour far more wrong card codes were entered than people mistype."),
        _("No card is in danger: a code cannot be guessed in a lifetime, and who fails ten times has to wait."),
        _("If it comes again every hour, have the addresses in the server’s log blocked in front of the shop."),
    ),
    "playback_failed": Words(
        _("A film could not be played to its end"),
        _("A player asked for a part of a film that the shop sold and does not have."),
        _("Rentals that would have ended soon were prolonged by a day; positions are kept."),
        _("Publish the film again: “flask films ingest” with its master. Then write to those who were watching."),
    ),
    "ledger_differences": Words(
        _("The books do not add up"),
        _("The daily audit found something in the books that does not follow from their postings."),
        _("The database refuses to change a posting: every balance can be worked out anew from them."),
        _("Make a copy of the database now, then have “flask ledger check” run: it names each difference."),
    ),
}

UNKNOWN = Words(
    _("Something that needs your eyes"),
    _("The shop raised an alert for which it has no words yet."),
    _("All that it noted stands below."),
    _("Show it to whoever looks after the shop’s software, then mark it as seen."),
)

LABELS = {
    "session": _("Stripe’s Session"),
    "order": _("Our order"),
    "refund": _("Refund"),
    "dispute": _("Dispute"),
    "reference": _("Reference"),
    "amount": _("Amount"),
    "currency": _("Currency"),
    "expected": _("Expected amount"),
    "taken": _("Taken from the card"),
    "owed": _("Still owed"),
    "held": _("Held"),
    "written_off": _("Written off"),
    "respond_by": _("Answer before"),
    "count": _("Differences"),
    "first": _("The first of them"),
    "failures": _("Failed tries"),
    "film": _("Film"),
    "file": _("File"),
}

IN_CENTS = {"amount", "expected", "taken", "owed", "held", "written_off"}
INSTANTS = {"respond_by"}


def words_of(kind: str) -> Words:
    """The sentences of a kind."""
    return WORDS.get(kind, UNKNOWN)


def facts_of(facts: Facts) -> list[Fact]:
    """The facts that there are, in the order in which they were given."""
    return [_fact(name, value, facts) for name, value in facts.items() if value is not None]


def _fact(name: str, value: Any, facts: Facts) -> Fact:
    """An amount is in the payment's own currency; what we expected, took or hold is in the shop's."""
    label = str(LABELS.get(name, name))
    if name in IN_CENTS and type(value) is int and abs(value) < GREATEST_CENTS:
        return Fact(name, label, CENTS, value, _currency(facts) if name == "amount" else None)
    if name in INSTANTS and (moment := _instant(value)):
        return Fact(name, label, INSTANT, moment)
    return Fact(name, label, TEXT, "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))


def _currency(facts: Facts) -> str | None:
    code = str(facts.get("currency")).upper()
    return code if re.fullmatch("[A-Z]{3}", code) else None


def _instant(value: Any) -> datetime | None:
    """ISO 8601 with its time zone, or seconds since 1970, as Stripe writes instants; None for anything else."""
    try:
        moment = datetime.fromtimestamp(value, UTC) if type(value) is int else datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo and moment.year in YEARS else None
