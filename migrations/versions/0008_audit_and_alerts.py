"""The audit log, which is never changed, and the alerts that staff see."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

IS_OPEN = sa.text("seen_at IS NULL")
IS_UNMAILED = sa.text("mailed_at IS NULL")


def upgrade() -> None:
    """Create both tables, then the guards of the log."""
    op.create_table(
        "audit_entry",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", INTEGER, nullable=True),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_table(
        "alert",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("mailed_at", INSTANT, nullable=True),
        sa.Column("seen_at", INSTANT, nullable=True),
        sa.Column("seen_by", INTEGER, nullable=True),
        sa.CheckConstraint("(seen_at IS NULL) = (seen_by IS NULL)", name="ck_alert_seen_by_somebody"),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
        sa.UniqueConstraint("key", name="uq_alert_key"),
    )
    op.create_index("ix_alert_open", "alert", ["id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
    op.create_index("ix_alert_unmailed", "alert", ["id"], sqlite_where=IS_UNMAILED, postgresql_where=IS_UNMAILED)
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(sa.text(statement))


SQLITE = (
    "CREATE TRIGGER audit_entry_is_never_changed BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END",
    "CREATE TRIGGER audit_entry_is_never_removed BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'an audit entry is never removed'); END",
)

POSTGRESQL = (
    "CREATE TRIGGER audit_entry_is_never_changed BEFORE UPDATE ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_entry_is_never_removed BEFORE DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER audit_entry_is_never_truncated BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)
