"""Balance and spend look at the lots that hold something, however long a wallet's past: an index of those alone, and one by card.

Forward on live data: indexes alone change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Put the two in the place of the one over all lots."""
    holds_something = sa.text("remaining > 0")
    op.drop_index("ix_lot_spendable", "lot")
    op.create_index(
        "ix_lot_spendable",
        "lot",
        ["wallet_id", "expires_at", "id", "kind", "remaining"],  # all that is asked for, so that SQLite prefers it
        sqlite_where=holds_something,
        postgresql_where=holds_something,
    )
    op.create_index("ix_lot_of_card", "lot", ["wallet_id", "reference"])
