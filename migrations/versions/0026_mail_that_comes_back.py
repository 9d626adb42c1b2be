"""Addresses at which letters do not arrive, and who wants no reminders of credit that ends.

Forward on live data: a new table, and a column that the release before need not know: whoever is there goes on getting reminders.
What jobs noted of their failures may name an address; it is forgotten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create the table, add the column by itself: others refer to customers, so SQLite shall not copy them."""
    op.create_table(
        "mail_bounce",
        sa.Column("address", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("said", sa.String, nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_mail_bounce"),
    )
    op.add_column("customer", sa.Column("wants_reminders", sa.Boolean, nullable=False, server_default=sa.true()))
    op.execute("UPDATE job SET error = 'an address refused a letter' WHERE error LIKE '%@%'")
