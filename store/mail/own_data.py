"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.mail.models import Bounce
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """That letters to them came back."""
    bounces = select(Bounce.address, Bounce.status, Bounce.said, Bounce.noted_at)
    return [OwnTable("bounces", _("Letters that came back"), bounces.where(Bounce.address == owner.email))]
