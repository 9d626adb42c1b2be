"""Where and when a film may be offered, to whom, and what a customer says of themselves: country, PIN, history.

Forward on live data: columns alone are added, all empty. No window and no list of territories mean always and everywhere;
no country means the shop's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns: plain ADD COLUMN, since other tables refer to all three."""
    op.add_column("film", sa.Column("licensed_from", sa.Date))
    op.add_column("film", sa.Column("licensed_until", sa.Date))
    op.add_column("film", sa.Column("territories", sa.JSON))
    op.add_column("customer", sa.Column("country", sa.String))
    op.add_column("customer", sa.Column("pin_hash", sa.String))
    op.add_column("customer", sa.Column("keeps_history_since", INSTANT))
    op.add_column("customer_session", sa.Column("pin_entered_at", INSTANT))
    op.add_column("entitlement", sa.Column("seen_at", INSTANT))
