"""Receipts of card sales and credit notes, numbered within a year without gaps; cards say how they are taxed.

No number is made up for the orders of the releases before this one. Their cards are multi-purpose vouchers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables and their guards, then give every card its mode."""
    _create_counters()
    _create_receipts()
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in (*statements, CARD_MODE):
        op.execute(sa.text(statement))


def _create_counters() -> None:
    op.create_table(
        "receipt_counter",
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("year", INTEGER, autoincrement=False, nullable=False),
        sa.Column("last_number", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name="pk_receipt_counter"),
    )


def _create_receipts() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("year", INTEGER, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("order_id", INTEGER, nullable=False),
        sa.Column("corrects_id", INTEGER, nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_cents", INTEGER, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("vat_mode", sa.String(), nullable=False),
        sa.Column("vat_percent", sa.String(), nullable=True),
        sa.Column("vat_cents", INTEGER, nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("terms_version", sa.String(), nullable=False),
        sa.Column("seller_name", sa.String(), nullable=False),
        sa.Column("seller_imprint", sa.String(), nullable=False),
        sa.Column("buyer_name", sa.String(), nullable=False),
        sa.Column("buyer_email", sa.String(), nullable=False),
        sa.CheckConstraint("series IN ('sale', 'credit_note')", name="ck_receipt_series"),
        sa.CheckConstraint("number > 0 AND total_cents > 0", name="ck_receipt_positive"),
        sa.CheckConstraint("vat_mode IN ('multi', 'single')", name="ck_receipt_vat_mode"),
        sa.CheckConstraint("(vat_mode = 'single') = (vat_percent IS NOT NULL)", name="ck_receipt_vat_has_its_rate"),
        sa.CheckConstraint(
            "vat_cents >= 0 AND vat_cents <= total_cents AND (vat_mode = 'single' OR vat_cents = 0)",
            name="ck_receipt_vat_within_total",
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_receipt_customer_id_customer"),
        sa.ForeignKeyConstraint(["order_id"], ["card_order.id"], name="fk_receipt_order_id_card_order"),
        sa.ForeignKeyConstraint(["corrects_id"], ["receipt.id"], name="fk_receipt_corrects_id_receipt"),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.UniqueConstraint("reference", name="uq_receipt_reference"),
        sa.UniqueConstraint("series", "year", "number", name="uq_receipt_series"),
    )
    for column in ("customer_id", "order_id", "corrects_id"):
        op.create_index(f"ix_receipt_{column}", "receipt", [column])


ONE_BEFORE = "SELECT 1 FROM receipt WHERE series = NEW.series AND year = NEW.year AND number = NEW.number - 1"

SQLITE = (
    "CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'a receipt is never changed'); END",
    "CREATE TRIGGER receipt_is_never_removed BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'a receipt is never removed'); END",
    f"""
    CREATE TRIGGER receipt_follows_the_one_before BEFORE INSERT ON receipt
    WHEN NEW.number > 1 AND NOT EXISTS ({ONE_BEFORE})
    BEGIN SELECT RAISE(ABORT, 'receipts are numbered without gaps'); END
    """,
)

POSTGRESQL = (
    "CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER receipt_is_never_removed BEFORE DELETE ON receipt FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER receipt_is_never_truncated BEFORE TRUNCATE ON receipt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    f"""
    CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT EXISTS ({ONE_BEFORE}) THEN RAISE EXCEPTION 'receipts are numbered without gaps'; END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER receipt_follows_the_one_before BEFORE INSERT ON receipt
    FOR EACH ROW WHEN (NEW.number > 1) EXECUTE FUNCTION refuse_gap()
    """,
)

# In words that both engines know: copying the table, as a batch does on SQLite, would part gifts from their cards.
CARD_MODE = """
    ALTER TABLE prepaid_card ADD COLUMN vat_mode VARCHAR DEFAULT 'multi' NOT NULL
    CONSTRAINT ck_prepaid_card_vat_mode CHECK (vat_mode IN ('multi', 'single'))
"""
