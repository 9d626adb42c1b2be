"""Closings, the record of audits, the schedule; the accounts that unsold and held credit need; lots guarded by themselves.

Forward on live data: what is added is empty or new, and nothing that the release before this one reads is changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
ACCOUNTS = ("held_value", "unredeemed_cards", "till")


def upgrade() -> None:
    """Create what is new, then its guards."""
    op.create_table(
        "closing",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_journal_id", INTEGER, nullable=False),
        sa.Column("journals", INTEGER, nullable=False),
        sa.Column("outstanding", INTEGER, nullable=False),
        sa.Column("previous_digest", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_closing"),
        sa.UniqueConstraint("digest", name="uq_closing_digest"),
        sa.UniqueConstraint("previous_digest", name="uq_closing_previous_digest"),
    )
    op.create_table(
        "audit_run",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("journals", INTEGER, nullable=False),
        sa.Column("differences", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_run"),
    )
    op.create_table(
        "schedule",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedule"),
    )
    account = sa.table("ledger_account", sa.column("code"))
    op.bulk_insert(account, [{"code": code} for code in ACCOUNTS])
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(sa.text(statement))


SQLITE = (
    "CREATE TRIGGER closing_is_never_changed BEFORE UPDATE ON closing BEGIN SELECT RAISE(ABORT, 'a closing is never changed'); END",
    "CREATE TRIGGER closing_is_never_removed BEFORE DELETE ON closing BEGIN SELECT RAISE(ABORT, 'a closing is never removed'); END",
    """
    CREATE TRIGGER lot_keeps_its_origin BEFORE UPDATE ON lot
    WHEN (NEW.id, NEW.wallet_id, NEW.kind, NEW.reference, NEW.initial, NEW.created_at)
        IS NOT (OLD.id, OLD.wallet_id, OLD.kind, OLD.reference, OLD.initial, OLD.created_at)
        OR NEW.expires_at IS NOT OLD.expires_at
    BEGIN SELECT RAISE(ABORT, 'of a lot only the remainder moves'); END
    """,
    """
    CREATE TRIGGER lot_begins_empty BEFORE INSERT ON lot WHEN NEW.remaining <> 0
    BEGIN SELECT RAISE(ABORT, 'a lot is filled by its postings'); END
    """,
)

POSTGRESQL = (
    "CREATE TRIGGER closing_is_never_changed BEFORE UPDATE ON closing FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER closing_is_never_removed BEFORE DELETE ON closing FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER closing_is_never_truncated BEFORE TRUNCATE ON closing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    """
    CREATE TRIGGER lot_keeps_its_origin BEFORE UPDATE ON lot FOR EACH ROW
    WHEN ((NEW.id, NEW.wallet_id, NEW.kind, NEW.reference, NEW.initial, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.kind, OLD.reference, OLD.initial, OLD.created_at)
        OR NEW.expires_at IS DISTINCT FROM OLD.expires_at)
    EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER lot_begins_empty BEFORE INSERT ON lot FOR EACH ROW WHEN (NEW.remaining <> 0)
    EXECUTE FUNCTION refuse_change()
    """,
    # Nobody but the trigger that follows a posting moves a remainder: not even the tables' owner.
    """
    CREATE TRIGGER lot_moves_with_its_postings BEFORE UPDATE ON lot FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse_change()
    """,
    # The shop's role may not write lots; the trigger writes them as the tables' owner.
    "ALTER FUNCTION move_lot() SECURITY DEFINER",
    "DO $$ BEGIN EXECUTE format('ALTER FUNCTION move_lot() SET search_path = %I, pg_temp', current_schema()); END $$",
)
