"""Reminders of the end of bonus credit: which were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table, and an index for the lots that end next: they are looked for every hour."""
    op.create_table(
        "expiry_reminder",
        sa.Column("lot_id", INTEGER, sa.ForeignKey("lot.id", name="fk_expiry_reminder_lot_id_lot"), nullable=False),
        sa.Column("days", INTEGER, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "days", name="pk_expiry_reminder"),
    )
    op.create_index("ix_lot_expires_at", "lot", ["expires_at"])
