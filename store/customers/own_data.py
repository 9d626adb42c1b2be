"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.customers.models import (
    AccountLink,
    Customer,
    CustomerSession,
    Passkey,
    RecoveryCode,
    RememberedDevice,
    SecondFactor,
)
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """The account, the browsers that are signed in to it, and what else opens it."""
    account = select(
        *(Customer.id, Customer.email, Customer.name, Customer.role, Customer.joined_at, Customer.language),
        *(Customer.country, Customer.keeps_history_since, Customer.wants_reminders, Customer.confirmed_at),
    )
    browsers = select(
        *(CustomerSession.began_at, CustomerSession.seen_at, CustomerSession.user_agent),
        *(CustomerSession.pin_entered_at, CustomerSession.proved_at, CustomerSession.second_factor_at),
    )
    mine = owner.customer_id
    devices = select(RememberedDevice.user_agent, RememberedDevice.made_at, RememberedDevice.seen_at)
    passkeys = select(Passkey.name, Passkey.made_at, Passkey.used_at)
    return [
        OwnTable("account", _("My account"), account.where(Customer.id == owner.customer_id)),
        OwnTable(
            "sign_ins",
            _("Browsers that are signed in"),
            browsers.where(CustomerSession.customer_id == owner.customer_id).order_by(CustomerSession.began_at),
        ),
        OwnTable("devices", _("Devices that stay signed in"), devices.where(RememberedDevice.customer_id == mine)),
        OwnTable("passkeys", _("Passkeys"), passkeys.where(Passkey.customer_id == mine)),
        OwnTable(
            "second_factor", _("Second factor"), select(SecondFactor.made_at).where(SecondFactor.customer_id == mine)
        ),
        OwnTable(
            "recovery_codes", _("Recovery codes"), select(RecoveryCode.used_at).where(RecoveryCode.customer_id == mine)
        ),
        OwnTable(
            "links",
            _("Links that were mailed"),
            select(AccountLink.purpose, AccountLink.email, AccountLink.expires_at).where(
                AccountLink.customer_id == mine
            ),
        ),
    ]
