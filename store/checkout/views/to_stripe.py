"""On to Stripe's page, or back to the form with a complaint."""

from collections.abc import Callable

from flask import current_app
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from store import clock
from store.checkout.start import Purchase, start
from store.gateways.stripe_gateway import OrderRefused, StripeUnavailable
from store.ledger.post import WalletFrozen
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.web.next_page import to_payment

Page = tuple[str, int]


def on_to_stripe(purchase: Purchase, label: Callable[[], str], again: Callable[..., Page]) -> Response | Page:
    """To the page on which to pay; or `again` the page that one came from, with a complaint and a status."""
    try:
        return to_payment(start(purchase, label, clock.now()))
    except WalletFull as full:
        return again(
            _(
                "Your credit may hold %(limit)s in all. With what you have and the payments you began, there is room"
                " for %(room)s. Nothing was charged.",
                limit=money(WALLET_LIMIT_CENTS),
                room=money(max(full.room_cents, 0)),
            )
        )
    except WalletFrozen:
        return again(credit_is_frozen())
    except OrderRefused:
        return again(
            _(
                "Stripe does not take this order. Nothing was charged, your credit is what it was. We have been told;"
                " write to us if you cannot wait."
            ),
            502,
        )
    except StripeUnavailable:
        return again(stripe_is_away(), 503)


def credit_is_frozen() -> str:
    """What to say to someone whose debt keeps their credit from being spent."""
    return _(
        "Your credit is frozen: a payment was refunded whose credit had been spent. Nothing was charged, your films"
        " stay yours. Write to us and we settle it together."
    )


def stripe_is_away() -> str:
    """What to say when Stripe does not answer."""
    return _("Stripe does not answer just now. Nothing was charged; try again in a minute.")


def money(cents: int) -> str:
    """Cents as the pages write them."""
    return str(current_app.jinja_env.filters["money"](cents))
