"""Passkeys, the challenges that they answer, and the second factor of who works here.

Forward on live data: new tables alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "passkey",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("credential_id", sa.String, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", INTEGER, nullable=False),
        sa.Column("user_handle", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_passkey_customer_id_customer"),
    )
    op.create_index("ix_passkey_customer_id", "passkey", ["customer_id"])
    op.create_table(
        "passkey_challenge",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("user_handle", sa.String, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_passkey_challenge"),
    )
    op.create_index("ix_passkey_challenge_expires_at", "passkey_challenge", ["expires_at"])
    op.create_table(
        "second_factor",
        sa.Column("customer_id", INTEGER, nullable=False, autoincrement=False),
        sa.Column("sealed_secret", sa.String, nullable=False),
        sa.Column("last_step", INTEGER, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_second_factor"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_second_factor_customer_id_customer"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_code"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_recovery_code_customer_id_customer"),
    )
    op.create_index("ix_recovery_code_customer_id", "recovery_code", ["customer_id"])
