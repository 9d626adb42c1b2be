"""VAT of single-purpose cards is booked at their sale: card, lot and hold know how much of it is within what is left.

Forward on live data: what was sold before has nothing there and is taxed when it is spent, as its sale was booked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"

WITHIN = {
    "prepaid_card": "vat_cents IS NULL OR (vat_mode = 'single' AND vat_cents BETWEEN 0 AND price_cents)",
    "lot": "vat_cents IS NULL OR (kind = 'paid' AND vat_cents BETWEEN 0 AND initial)",
    "card_hold": "vat_cents BETWEEN 0 AND paid_cents",
}


def upgrade() -> None:
    """Add the columns, then let guard, index and the spend of PostgreSQL know them."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, rule in WITHIN.items():
        default = " DEFAULT 0 NOT NULL" if table == "card_hold" else ""
        op.execute(
            sa.text(
                f"ALTER TABLE {table} ADD COLUMN vat_cents {'INTEGER' if is_sqlite else 'BIGINT'}{default}"
                f" CONSTRAINT ck_{table}_vat_within CHECK ({rule})"
            )
        )
    holds_something = sa.text("remaining > 0")
    op.drop_index("ix_lot_spendable", "lot")
    op.create_index(
        "ix_lot_spendable",
        "lot",
        ["wallet_id", "expires_at", "id", "kind", "remaining", "vat_cents"],
        sqlite_where=holds_something,
        postgresql_where=holds_something,
    )
    for statement in SQLITE if is_sqlite else POSTGRESQL:
        op.execute(sa.text(statement))


SQLITE = (
    "DROP TRIGGER lot_keeps_its_origin",
    """
    CREATE TRIGGER lot_keeps_its_origin BEFORE UPDATE ON lot
    WHEN (NEW.id, NEW.wallet_id, NEW.kind, NEW.reference, NEW.initial, NEW.created_at)
        IS NOT (OLD.id, OLD.wallet_id, OLD.kind, OLD.reference, OLD.initial, OLD.created_at)
        OR NEW.expires_at IS NOT OLD.expires_at OR NEW.vat_cents IS NOT OLD.vat_cents
    BEGIN SELECT RAISE(ABORT, 'of a lot only the remainder moves'); END
    """,
)

POSTGRESQL = (
    "DROP TRIGGER lot_keeps_its_origin ON lot",
    """
    CREATE TRIGGER lot_keeps_its_origin BEFORE UPDATE ON lot FOR EACH ROW
    WHEN ((NEW.id, NEW.wallet_id, NEW.kind, NEW.reference, NEW.initial, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.kind, OLD.reference, OLD.initial, OLD.created_at)
        OR NEW.expires_at IS DISTINCT FROM OLD.expires_at OR NEW.vat_cents IS DISTINCT FROM OLD.vat_cents)
    EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE FUNCTION voucher_vat_left(of_lot bigint, at_first bigint) RETURNS bigint STABLE LANGUAGE sql AS $$
        SELECT at_first - coalesce(sum(CASE WHEN credit_account = 'voucher_vat' THEN amount ELSE -amount END), 0)::bigint
        FROM posting WHERE lot_id = of_lot AND 'voucher_vat' IN (debit_account, credit_account)
    $$
""",
    # As 0007 made it, and for a lot of a single-purpose card the VAT that was booked at its sale, as `store/ledger/post.py`
    # divides it: of what its postings have left, the part that these cents are of what remains.
    """
    CREATE OR REPLACE FUNCTION spend_credit(
        for_wallet bigint, amount bigint, kind text, sales_account text, vat_percent numeric,
        key text, request_hash text, reference text, currency text, at timestamptz,
        OUT journal_id bigint, OUT missing bigint, OUT earlier_hash text
    ) LANGUAGE plpgsql AS $$
    #variable_conflict use_variable
    DECLARE
        one record;
        open bigint := amount;
        taken bigint;
        vat bigint;
        vat_account text;
    BEGIN
        INSERT INTO journal (kind, idempotency_key, request_hash, reference, currency, at)
        VALUES (kind, key, request_hash, reference, currency, at)
        ON CONFLICT (idempotency_key) DO NOTHING RETURNING id INTO journal_id;
        IF journal_id IS NULL THEN
            SELECT journal.id, journal.request_hash INTO journal_id, earlier_hash
            FROM journal WHERE journal.idempotency_key = key;
            RETURN;
        END IF;
        SELECT amount - coalesce(sum(lot.remaining), 0) INTO missing FROM lot
        WHERE lot.wallet_id = for_wallet AND lot.remaining > 0 AND (lot.expires_at IS NULL OR lot.expires_at > at);
        IF missing > 0 THEN RETURN; END IF;
        FOR one IN
            SELECT lot.id, lot.kind, lot.remaining, lot.vat_cents FROM lot
            WHERE lot.wallet_id = for_wallet AND lot.remaining > 0 AND (lot.expires_at IS NULL OR lot.expires_at > at)
            ORDER BY lot.expires_at NULLS LAST, lot.id
        LOOP
            taken := least(one.remaining, open);
            IF one.kind = 'bonus' THEN
                INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
                VALUES (journal_id, 'bonus_value', 'promotions', taken, one.id);
            ELSE
                IF one.vat_cents IS NULL THEN
                    vat_account := 'vat_collected';
                    vat := round(taken * vat_percent / (100 + vat_percent));
                ELSE
                    vat_account := 'voucher_vat';
                    vat := (2 * taken * voucher_vat_left(one.id, one.vat_cents) + one.remaining) / (2 * one.remaining);
                END IF;
                INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
                SELECT journal_id, 'stored_value', entry.credit, entry.cents, one.id
                FROM (VALUES (sales_account, taken - vat), (vat_account, vat)) AS entry (credit, cents)
                WHERE entry.cents > 0;
            END IF;
            open := open - taken;
            EXIT WHEN open = 0;
        END LOOP;
    END $$
    """,
)
