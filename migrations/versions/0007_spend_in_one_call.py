"""A spend in one call on PostgreSQL; reversals that happen once; frozen wallets; the accounts of refunds and disputes.

Forward on live data: columns and tables are added empty, and the release before this one goes on writing as it does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
ACCOUNTS = ("held_bonus", "bank", "stripe_fees", "customer_debts", "dispute_claims", "bad_debts", "voucher_vat")


def upgrade() -> None:
    """Add the column and its rule, the table, the accounts, and PostgreSQL's functions."""
    is_set = sa.text("reverses_id IS NOT NULL")
    op.add_column("journal", sa.Column("reverses_id", INTEGER, nullable=True))
    op.create_index(
        "uq_journal_reverses_id",
        "journal",
        ["reverses_id"],
        unique=True,
        sqlite_where=is_set,
        postgresql_where=is_set,
    )
    op.create_table(
        "wallet_freeze",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("wallet_id", INTEGER, nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("cents", INTEGER, nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        sa.Column("lifted_at", INSTANT, nullable=True),
        sa.CheckConstraint("cents > 0", name="ck_wallet_freeze_cents_positive"),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name="fk_wallet_freeze_wallet_id_wallet"),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_freeze"),
        sa.UniqueConstraint("reference", name="uq_wallet_freeze_reference"),
    )
    stands = sa.text("lifted_at IS NULL")
    op.create_index(
        "ix_wallet_freeze_standing", "wallet_freeze", ["wallet_id"], sqlite_where=stands, postgresql_where=stands
    )
    account = sa.table("ledger_account", sa.column("code"))
    op.bulk_insert(account, [{"code": code} for code in ACCOUNTS])
    if op.get_bind().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(sa.text(statement))


POSTGRESQL = (
    # Reads the lots in the order of `store/ledger/post.py`, under the lock that its caller holds on the wallet. When credit is
    # missing it says how much and posts nothing; of a key that was used before it gives that journal and its hash.
    """
    CREATE FUNCTION spend_credit(
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
            SELECT lot.id, lot.kind, lot.remaining FROM lot
            WHERE lot.wallet_id = for_wallet AND lot.remaining > 0 AND (lot.expires_at IS NULL OR lot.expires_at > at)
            ORDER BY lot.expires_at NULLS LAST, lot.id
        LOOP
            taken := least(one.remaining, open);
            IF one.kind = 'bonus' THEN
                INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
                VALUES (journal_id, 'bonus_value', 'promotions', taken, one.id);
            ELSE
                vat := round(taken * vat_percent / (100 + vat_percent));
                INSERT INTO posting (journal_id, debit_account, credit_account, amount, lot_id)
                SELECT journal_id, 'stored_value', entry.credit, entry.cents, one.id
                FROM (VALUES (sales_account, taken - vat), ('vat_collected', vat)) AS entry (credit, cents)
                WHERE entry.cents > 0;
            END IF;
            open := open - taken;
            EXIT WHEN open = 0;
        END LOOP;
    END $$
    """,
    # One change of a lot for all postings of a statement that move it, instead of one for each.
    "DROP TRIGGER posting_moves_its_lot ON posting",
    """
    CREATE OR REPLACE FUNCTION move_lot() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE lot SET remaining = lot.remaining + moved.cents
        FROM (
            SELECT lot_id, sum(
                CASE WHEN credit_account IN ('stored_value', 'bonus_value') THEN amount ELSE 0 END
                - CASE WHEN debit_account IN ('stored_value', 'bonus_value') THEN amount ELSE 0 END
            ) AS cents
            FROM written WHERE lot_id IS NOT NULL GROUP BY lot_id
        ) AS moved
        WHERE lot.id = moved.lot_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER posting_moves_its_lot AFTER INSERT ON posting
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION move_lot()
    """,
    # CREATE OR REPLACE forgets both: the shop's role may not write lots, the trigger writes them as the tables' owner.
    "ALTER FUNCTION move_lot() SECURITY DEFINER",
    "DO $$ BEGIN EXECUTE format('ALTER FUNCTION move_lot() SET search_path = %I, pg_temp', current_schema()); END $$",
)
