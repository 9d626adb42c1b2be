"""A spend takes its lock within the one call on PostgreSQL, and its postings move their lots at half the cost.

Forward on live data: functions and triggers alone change, by a moment's lock. `spend_credit` stays for the release before this one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make PostgreSQL's functions; SQLite has none."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(sa.text(statement))


POSTGRESQL = (
    # Each statement after the lock sees what was committed while it waited. Without such a wallet `is_frozen` is not set. When
    # credit is missing it says how much, and its caller rolls back; of a key that was used before it gives that journal and its hash.
    """
    CREATE FUNCTION spend_from_wallet(
        for_wallet bigint, amount bigint, currency text, kind text, sales_account text, vat_percent numeric,
        key text, request_hash text, reference text, at timestamptz,
        OUT journal_id bigint, OUT missing bigint, OUT is_frozen boolean, OUT earlier_hash text
    ) LANGUAGE plpgsql AS $$
    #variable_conflict use_variable
    DECLARE
        one record;
        taken bigint;
        vat bigint;
        vat_account text;
    BEGIN
        PERFORM FROM wallet WHERE wallet.id = for_wallet AND wallet.currency = currency FOR NO KEY UPDATE;
        IF NOT FOUND THEN RETURN; END IF;
        is_frozen := EXISTS (SELECT FROM wallet_freeze WHERE wallet_id = for_wallet AND lifted_at IS NULL);
        IF is_frozen THEN RETURN; END IF;
        INSERT INTO journal (kind, idempotency_key, request_hash, reference, currency, at)
        VALUES (kind, key, request_hash, reference, currency, at)
        ON CONFLICT (idempotency_key) DO NOTHING RETURNING id INTO journal_id;
        IF journal_id IS NULL THEN
            SELECT journal.id, journal.request_hash INTO journal_id, earlier_hash
            FROM journal WHERE journal.idempotency_key = key;
            RETURN;
        END IF;
        missing := amount;
        FOR one IN
            SELECT lot.id, lot.kind, lot.remaining, lot.vat_cents FROM lot
            WHERE lot.wallet_id = for_wallet AND lot.remaining > 0 AND (lot.expires_at IS NULL OR lot.expires_at > at)
            ORDER BY lot.expires_at NULLS LAST, lot.id
        LOOP
            taken := least(one.remaining, missing);
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
            missing := missing - taken;
            EXIT WHEN missing = 0;
        END LOOP;
    END $$
    """,
    # Lot by lot: in one statement for all of them PostgreSQL expects a thousand and reads every lot there is.
    """
    CREATE OR REPLACE FUNCTION move_lot() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        moved record;
    BEGIN
        FOR moved IN
            SELECT lot_id, sum(
                CASE WHEN credit_account IN ('stored_value', 'bonus_value') THEN amount ELSE 0 END
                - CASE WHEN debit_account IN ('stored_value', 'bonus_value') THEN amount ELSE 0 END
            )::bigint AS cents
            FROM written WHERE lot_id IS NOT NULL GROUP BY lot_id ORDER BY lot_id
        LOOP
            UPDATE lot SET remaining = lot.remaining + moved.cents WHERE lot.id = moved.lot_id;
        END LOOP;
        RETURN NULL;
    END $$
    """,
    # CREATE OR REPLACE forgets both: the shop's role may not write lots, the trigger writes them as the tables' owner.
    "ALTER FUNCTION move_lot() SECURITY DEFINER",
    "DO $$ BEGIN EXECUTE format('ALTER FUNCTION move_lot() SET search_path = %I, pg_temp', current_schema()); END $$",
    # Asked by the columns that a statement names, not by comparing every row's.
    "DROP TRIGGER lot_keeps_its_origin ON lot",
    """
    CREATE TRIGGER lot_keeps_its_origin
    BEFORE UPDATE OF id, wallet_id, kind, reference, initial, created_at, expires_at, vat_cents ON lot
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
)
