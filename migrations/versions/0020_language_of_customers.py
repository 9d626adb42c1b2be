"""The language in which a customer is written to.

Forward on live data: whoever has an account signed up in French, and the release before this one goes on signing up in it.
"""

from alembic import op

revision = "0020"
down_revision = "0012"


def upgrade() -> None:
    """Add the column by itself: others refer to this table, so SQLite shall not copy it."""
    op.execute(
        "ALTER TABLE customer ADD COLUMN language VARCHAR DEFAULT 'fr' NOT NULL"
        " CONSTRAINT ck_customer_language CHECK (language IN ('fr', 'en'))"
    )
