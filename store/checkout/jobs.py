"""What the checkout does in the background."""

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from store import clock
from store.checkout.fulfil import settle
from store.checkout.models import Order
from store.checkout.start import card_reference
from store.customers.models import Customer
from store.db import db
from store.gateways import mailer
from store.jobs.enqueue import job
from store.ledger.balance import credit_of
from store.prepaid_cards.models import PrepaidCard


@job("checkout.settle")
def settle_session(session_id: str) -> None:
    """A webhook announced that a Session was paid."""
    settle(session_id)


@job("checkout.mail_confirmation")
def mail_confirmation(order_id: int) -> None:
    """Tell the customer what was paid and what credit it gave."""
    order, email, name, wallet_id, last4 = db.session.execute(
        select(Order, Customer.email, Customer.name, Customer.wallet_id, PrepaidCard.last4)
        .join(Customer, Customer.id == Order.customer_id)
        .join(PrepaidCard, PrepaidCard.reference == card_reference(order_id))
        .where(Order.id == order_id)
    ).one()
    with force_locale("fr"):
        words = {
            "order": order,
            "thanks": _thanks(order.purpose),
            "name": name,
            "last4": last4,
            "credit_cents": credit_of(db.session, wallet_id, clock.now()),
        }
        mailer.send(
            key=f"order-{order.key}",
            to=email,
            subject=_("Your prepaid card and its credit"),
            text=render_template("checkout/mail_confirmation.txt", **words),
            html=render_template("checkout/mail_confirmation.html", **words),
        )


def _thanks(purpose: str) -> str:
    if purpose == "gift":
        return str(_("Thank you. The card that you give is paid; in your account you see how far it has come."))
    if purpose == "suspended":
        return str(
            _("Thank you. Your suspended card is paid; we hand its code to somebody who could not pay for a film.")
        )
    return str(_("Thank you. Your prepaid card is paid and its credit is in your account."))
