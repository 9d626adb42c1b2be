"""The letter about offered credit that ends, the one kind that nobody must get."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _

from store.customers.reminders import token_of
from store.language import site
from store.mail.letter import Letter, write


@dataclass(frozen=True)
class EndingCredit:
    """So many cents that can be spent until then."""

    remaining: int
    expires_at: datetime | None


def reminder(name: str, lots: Sequence[EndingCredit], credit_cents: int, stop_address: str) -> Letter:
    """What it says, in the language of the moment; `credit_cents` is what the customer has in all."""
    return write(
        "prepaid_cards/mail_expiry",
        _("Some of the credit that we offered you ends soon"),
        name=name,
        lots=lots,
        credit_cents=credit_cents,
        stop_address=stop_address,
    )


def stop_address_of(customer_id: int) -> str:
    """Where the customer says, by a button and without signing in, that they want no more of them."""
    token = token_of(current_app.config["SECRET_KEY"], customer_id)
    return f"{current_app.config['SHOP_URL']}{site()}/rappels/{token}"
