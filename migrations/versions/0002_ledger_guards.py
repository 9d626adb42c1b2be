"""The ledger's guards: what the database itself refuses, whoever asks.

Journals and postings are never changed and never removed; a lot is never removed, and its remainder moves with its
postings alone. REPLACE on SQLite is a delete, which fires the same triggers under `recursive_triggers`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

CHART = (
    "stripe_clearing",
    "stored_value",
    "bonus_value",
    "rental_sales",
    "purchase_sales",
    "vat_collected",
    "promotions",
    "goodwill",
)
DENOMINATIONS = (("10", 1000, 1000), ("20", 2000, 2100), ("50", 5000, 5500), ("100", 10000, 11200))

LOT_ACCOUNTS = "('stored_value', 'bonus_value')"


def upgrade() -> None:
    """Create the triggers, then what the shop needs before its first customer: chart and denominations."""
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(sa.text(statement))
    account = sa.table("ledger_account", sa.column("code"))
    op.bulk_insert(account, [{"code": code} for code in CHART])
    denomination = sa.table(
        "denomination",
        sa.column("code"),
        sa.column("price_cents"),
        sa.column("credit_cents"),
        sa.column("on_sale", sa.Boolean()),
    )
    op.bulk_insert(
        denomination,
        [
            {"code": code, "price_cents": price, "credit_cents": credit, "on_sale": True}
            for code, price, credit in DENOMINATIONS
        ],
    )


def _sqlite_refusal(name: str, event: str, table: str, complaint: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{complaint}'); END"


SQLITE = (
    _sqlite_refusal("journal_is_never_changed", "UPDATE", "journal", "a journal is never changed"),
    _sqlite_refusal("journal_is_never_removed", "DELETE", "journal", "a journal is never removed"),
    _sqlite_refusal("posting_is_never_changed", "UPDATE", "posting", "a posting is never changed"),
    _sqlite_refusal("posting_is_never_removed", "DELETE", "posting", "a posting is never removed"),
    _sqlite_refusal("lot_is_never_removed", "DELETE", "lot", "a lot is never removed"),
    f"""
    CREATE TRIGGER posting_moves_its_lot AFTER INSERT ON posting WHEN NEW.lot_id IS NOT NULL BEGIN
        UPDATE lot
        SET remaining = remaining
            + CASE WHEN NEW.credit_account IN {LOT_ACCOUNTS} THEN NEW.amount ELSE 0 END
            - CASE WHEN NEW.debit_account IN {LOT_ACCOUNTS} THEN NEW.amount ELSE 0 END
        WHERE id = NEW.lot_id;
    END
    """,
)


def _postgresql_refusal(name: str, event: str, table: str) -> str:
    level = "STATEMENT" if event == "TRUNCATE" else "ROW"
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {level} EXECUTE FUNCTION refuse_change()"


POSTGRESQL = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a % is never changed or removed', TG_TABLE_NAME; END $$
    """,
    _postgresql_refusal("journal_is_never_changed", "UPDATE", "journal"),
    _postgresql_refusal("journal_is_never_removed", "DELETE", "journal"),
    _postgresql_refusal("journal_is_never_truncated", "TRUNCATE", "journal"),
    _postgresql_refusal("posting_is_never_changed", "UPDATE", "posting"),
    _postgresql_refusal("posting_is_never_removed", "DELETE", "posting"),
    _postgresql_refusal("posting_is_never_truncated", "TRUNCATE", "posting"),
    _postgresql_refusal("lot_is_never_removed", "DELETE", "lot"),
    _postgresql_refusal("lot_is_never_truncated", "TRUNCATE", "lot"),
    f"""
    CREATE FUNCTION move_lot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE lot
        SET remaining = remaining
            + CASE WHEN NEW.credit_account IN {LOT_ACCOUNTS} THEN NEW.amount ELSE 0 END
            - CASE WHEN NEW.debit_account IN {LOT_ACCOUNTS} THEN NEW.amount ELSE 0 END
        WHERE id = NEW.lot_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER posting_moves_its_lot AFTER INSERT ON posting
    FOR EACH ROW WHEN (NEW.lot_id IS NOT NULL) EXECUTE FUNCTION move_lot()
    """,
)
