"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.checkout.models import Dispute, Order, Receipt, Refund
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """What they ordered, its receipts, and what went back."""
    orders = select(
        *(Order.id, Order.purpose, Order.quantity, Order.price_cents, Order.credit_cents, Order.currency, Order.state),
        *(Order.film_slug, Order.film_act, Order.film_price_cents, Order.film_outcome, Order.entitlement_id),
        *(Order.terms_version, Order.language, Order.stripe_payment_intent_id),
        *(Order.created_at, Order.expires_at, Order.paid_at),
    )
    receipts = select(
        *(Receipt.id, Receipt.series, Receipt.year, Receipt.number, Receipt.reference, Receipt.order_id),
        *(Receipt.corrects_id, Receipt.issued_at, Receipt.total_cents, Receipt.currency, Receipt.vat_mode),
        *(Receipt.vat_percent, Receipt.vat_cents, Receipt.lines, Receipt.terms_version),
        *(Receipt.seller_name, Receipt.seller_imprint, Receipt.buyer_name, Receipt.buyer_email),
    )
    refunds = select(
        *(Refund.id, Refund.order_id, Refund.origin, Refund.amount_cents, Refund.owed_cents, Refund.state),
        *(Refund.stripe_refund_id, Refund.failure, Refund.asked_at, Refund.ended_at),
    ).join(Order, Order.id == Refund.order_id)
    disputes = select(
        *(Dispute.id, Dispute.stripe_dispute_id, Dispute.order_id, Dispute.amount_cents, Dispute.state),
        *(Dispute.respond_by, Dispute.opened_at, Dispute.ended_at),
    ).join(Order, Order.id == Dispute.order_id)
    theirs = Order.customer_id == owner.customer_id
    return [
        OwnTable("orders", _("My orders"), orders.where(theirs).order_by(Order.id)),
        OwnTable(
            "receipts",
            _("My receipts"),
            receipts.where(Receipt.customer_id == owner.customer_id).order_by(Receipt.id),
        ),
        OwnTable("refunds", _("What was given back"), refunds.where(theirs).order_by(Refund.id)),
        OwnTable("disputes", _("Payments that my bank disputed"), disputes.where(theirs).order_by(Dispute.id)),
    ]
