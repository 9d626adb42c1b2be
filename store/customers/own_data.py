"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.customers.models import Customer, CustomerSession
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """The account and the browsers that are signed in to it."""
    account = select(
        *(Customer.id, Customer.email, Customer.name, Customer.role, Customer.joined_at, Customer.language),
        *(Customer.country, Customer.keeps_history_since, Customer.wants_reminders),
    )
    browsers = select(
        *(CustomerSession.began_at, CustomerSession.seen_at, CustomerSession.user_agent),
        CustomerSession.pin_entered_at,
    )
    return [
        OwnTable("account", _("My account"), account.where(Customer.id == owner.customer_id)),
        OwnTable(
            "sign_ins",
            _("Browsers that are signed in"),
            browsers.where(CustomerSession.customer_id == owner.customer_id).order_by(CustomerSession.began_at),
        ),
    ]
