"""What this room holds of a customer."""

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from store.audit.models import AuditEntry
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """What they did with an effect that staff can look up, and what staff did to their account."""
    entries = select(AuditEntry.at, AuditEntry.act, AuditEntry.subject, AuditEntry.facts)
    theirs = or_(AuditEntry.actor == owner.customer_id, AuditEntry.subject == f"customer:{owner.customer_id}")
    return [OwnTable("log", _("What the log says of me"), entries.where(theirs).order_by(AuditEntry.id))]
