"""The language in which a customer is written to, and that in which an order was placed.

Forward on live data: all that is there was made in French, and so is what the release before this one goes on making.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns by themselves: others refer to these tables, so SQLite shall not copy them."""
    for table in ("customer", "card_order"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN language VARCHAR DEFAULT 'fr' NOT NULL"
            f" CONSTRAINT ck_{table}_language CHECK (language IN ('fr', 'en'))"
        )
