"""Prepaid cards with a code: given, printed, suspended, reissued.

Every card of the release before was for its buyer and was credited as it was sold: it has no code, and issuance,
activation and redemption are one instant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

IN_THE_POOL = sa.text("purpose = 'suspended'")
NOT_SENT = sa.text("sent_at IS NULL")


def upgrade() -> None:
    """Make the new tables, then give every card its purpose and its dates, then refuse cards without."""
    _create_batches()
    _add_columns()
    _fill_columns()
    _constrain_columns()
    _create_gifts()


def _create_batches() -> None:
    op.create_table(
        "card_batch",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("denomination", sa.String(), nullable=False),
        sa.Column("price_cents", INTEGER, nullable=False),
        sa.Column("credit_cents", INTEGER, nullable=False),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("count > 0", name="ck_card_batch_count_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_card_batch"),
    )


def _add_columns() -> None:
    for column in (
        sa.Column("purpose", sa.String()),
        sa.Column("currency", sa.String()),
        sa.Column("issued_at", INSTANT),
        sa.Column("redeemed_at", INSTANT),
        sa.Column("reissue", INTEGER),
        sa.Column("key_version", INTEGER),
        sa.Column("lookup_digest", sa.String()),
        sa.Column("batch_id", INTEGER),
        sa.Column("handed_out_at", INSTANT),
        sa.Column("bought_by", INTEGER),
    ):
        op.add_column("prepaid_card", column)


def _fill_columns() -> None:
    """Who bought a card is who owns the wallet that it went into."""
    op.execute(
        sa.text(
            """
            UPDATE prepaid_card SET
                purpose = 'self',
                currency = (SELECT wallet.currency FROM wallet WHERE wallet.id = prepaid_card.wallet_id),
                issued_at = activated_at,
                redeemed_at = activated_at,
                reissue = 0,
                bought_by = (SELECT customer.id FROM customer WHERE customer.wallet_id = prepaid_card.wallet_id)
            """
        )
    )


def _constrain_columns() -> None:
    """SQLite copies the table to change it: nothing refers to it yet, so that no foreign key stands in the way."""
    with op.batch_alter_table("prepaid_card") as table:
        for name, kind in (
            ("purpose", sa.String()),
            ("currency", sa.String()),
            ("issued_at", INSTANT),
            ("reissue", INTEGER),
        ):
            table.alter_column(name, existing_type=kind, nullable=False)
        table.alter_column("activated_at", existing_type=INSTANT, nullable=True)
        table.alter_column("wallet_id", existing_type=INTEGER, nullable=True)
        for name, rule in (
            ("purpose", "purpose IN ('self', 'gift', 'batch', 'suspended')"),
            ("credit_covers_price", "price_cents > 0 AND credit_cents >= price_cents"),
            ("redeemed_into_a_wallet", "(redeemed_at IS NULL) = (wallet_id IS NULL)"),
            ("redeemed_once_sold", "redeemed_at IS NULL OR activated_at IS NOT NULL"),
            ("code_has_its_key", "(lookup_digest IS NULL) = (key_version IS NULL)"),
            ("own_card_has_no_code", "purpose <> 'self' OR lookup_digest IS NULL"),
        ):
            table.create_check_constraint(f"ck_prepaid_card_{name}", rule)
        table.create_unique_constraint("uq_prepaid_card_lookup_digest", ["lookup_digest"])
        table.create_foreign_key("fk_prepaid_card_batch_id_card_batch", "card_batch", ["batch_id"], ["id"])
        table.create_foreign_key("fk_prepaid_card_bought_by_customer", "customer", ["bought_by"], ["id"])
        table.create_index("ix_prepaid_card_batch_id", ["batch_id"])
        table.create_index("ix_prepaid_card_bought_by", ["bought_by"])
        table.create_index(
            "ix_prepaid_card_pool",
            ["handed_out_at", "id"],
            sqlite_where=IN_THE_POOL,
            postgresql_where=IN_THE_POOL,
        )


def _create_gifts() -> None:
    op.create_table(
        "gift",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("card_id", INTEGER, nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("recipient_name", sa.String(), nullable=False),
        sa.Column("recipient_email", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("deliver_on", sa.Date(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.CheckConstraint("delivery IN ('email', 'print')", name="ck_gift_delivery"),
        sa.CheckConstraint("delivery <> 'email' OR recipient_email IS NOT NULL", name="ck_gift_mailed_to_somebody"),
        sa.ForeignKeyConstraint(["card_id"], ["prepaid_card.id"], name="fk_gift_card_id_prepaid_card"),
        sa.PrimaryKeyConstraint("id", name="pk_gift"),
        sa.UniqueConstraint("card_id", name="uq_gift_card_id"),
    )
    op.create_index("ix_gift_due", "gift", ["deliver_on"], sqlite_where=NOT_SENT, postgresql_where=NOT_SENT)
