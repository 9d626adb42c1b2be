"""What this room holds of a customer. No code is in it: it is in none of our tables."""

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from store.ledger.models import Lot
from store.own_table import Owner, OwnTable
from store.prepaid_cards.models import CardHold, ExpiryReminder, Gift, PrepaidCard


def own_tables(owner: Owner) -> list[OwnTable]:
    """The cards that they bought or redeemed, what they gave and were given, what was set aside, what they were reminded of."""
    theirs = or_(PrepaidCard.bought_by == owner.customer_id, PrepaidCard.wallet_id == owner.wallet_id)
    cards = select(
        *(PrepaidCard.id, PrepaidCard.reference, PrepaidCard.purpose, PrepaidCard.price_cents),
        *(PrepaidCard.credit_cents, PrepaidCard.currency, PrepaidCard.last4, PrepaidCard.taken_cents),
        *(PrepaidCard.vat_mode, PrepaidCard.vat_cents, PrepaidCard.reissue, PrepaidCard.issued_at),
        *(PrepaidCard.activated_at, PrepaidCard.redeemed_at, PrepaidCard.handed_out_at),
    )
    gifts = select(
        *(PrepaidCard.reference, Gift.delivery, Gift.recipient_name, Gift.recipient_email, Gift.message),
        *(Gift.deliver_on, Gift.sent_at, Gift.opened_at),
    ).join(PrepaidCard, PrepaidCard.id == Gift.card_id)
    received = select(Gift.recipient_name, Gift.recipient_email, Gift.message, Gift.sent_at)
    holds = select(
        *(CardHold.cause, CardHold.card_reference, CardHold.paid_cents, CardHold.bonus_cents, CardHold.vat_cents),
        *(CardHold.currency, CardHold.state, CardHold.held_at, CardHold.ended_at),
    ).join(PrepaidCard, PrepaidCard.id == CardHold.card_id)
    reminders = select(ExpiryReminder.lot_id, ExpiryReminder.days, ExpiryReminder.sent_at).join(
        Lot, Lot.id == ExpiryReminder.lot_id
    )
    return [
        OwnTable("cards", _("My cards"), cards.where(theirs).order_by(PrepaidCard.id)),
        OwnTable(
            "gifts_given",
            _("Cards that I gave"),
            gifts.where(PrepaidCard.bought_by == owner.customer_id).order_by(Gift.id),
        ),
        OwnTable(
            "gifts_received",
            _("Cards that were sent to my address"),
            received.where(Gift.recipient_email == owner.email, Gift.sent_at.is_not(None)).order_by(Gift.id),
        ),
        OwnTable("set_aside", _("What was set aside of my cards"), holds.where(theirs).order_by(CardHold.id)),
        OwnTable(
            "reminders",
            _("Letters about credit that ends"),
            reminders.where(Lot.wallet_id == owner.wallet_id).order_by(ExpiryReminder.lot_id, ExpiryReminder.days),
        ),
    ]
