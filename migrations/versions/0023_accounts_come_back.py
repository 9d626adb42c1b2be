"""What brings somebody back into their account, and what is known of the browsers they use.

Forward on live data: columns are added, all empty but one, and two tables. Whoever has signed up before counts as confirmed
since then: nobody asked them to follow a link, and they shall go on giving cards as they did the day before. Whoever the
release before signs up while this one is put in place is asked for it later: their link can be sent from the page that wants it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0029"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, then add the columns by themselves: others refer to these tables, so SQLite shall not copy them."""
    op.create_table(
        "remembered_device",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("user_agent", sa.String, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remembered_device"),
        sa.UniqueConstraint("digest", name="uq_remembered_device_digest"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_remembered_device_customer_id_customer"),
    )
    op.create_index("ix_remembered_device_customer_id", "remembered_device", ["customer_id"])
    op.create_table(
        "account_link",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("stamp", sa.String, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_account_link"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_account_link_customer_id_customer"),
        sa.CheckConstraint("purpose IN ('password', 'confirm', 'address', 'undo')", name="ck_account_link_purpose"),
    )
    op.create_index("ix_account_link_customer_id", "account_link", ["customer_id"])
    op.add_column("customer", sa.Column("confirmed_at", INSTANT))
    op.execute("UPDATE customer SET confirmed_at = joined_at")
    op.add_column("customer_session", sa.Column("proved_at", INSTANT))
    op.add_column("customer_session", sa.Column("second_factor_at", INSTANT))
    integer = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE customer_session ADD COLUMN device_id {integer}"
        " CONSTRAINT fk_customer_session_device_id_remembered_device REFERENCES remembered_device (id)"
    )
    op.create_index("ix_customer_session_device_id", "customer_session", ["device_id"])
