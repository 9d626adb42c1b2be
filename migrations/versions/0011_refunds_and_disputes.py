"""Refunds, disputes, and what they hold of cards. Forward on live data: tables are new, and nothing of a card was taken yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

# In words that both engines know: copying the table, as a batch does on SQLite, would part gifts from their cards.
TAKEN = """
    ALTER TABLE prepaid_card ADD COLUMN taken_cents {integer} DEFAULT 0 NOT NULL
    CONSTRAINT ck_prepaid_card_taken_within_price CHECK (taken_cents BETWEEN 0 AND price_cents)
"""


def upgrade() -> None:
    """Create the tables, and the column with its rule."""
    integer = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(sa.text(TAKEN.format(integer=integer)))
    op.create_table(
        "card_hold",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("card_id", INTEGER, nullable=False),
        sa.Column("card_reference", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("paid_cents", INTEGER, nullable=False),
        sa.Column("bonus_cents", INTEGER, nullable=False),
        sa.Column("journal_id", INTEGER, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("held_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('held', 'released', 'given_up')", name="ck_card_hold_state"),
        sa.CheckConstraint(
            "paid_cents >= 0 AND bonus_cents >= 0 AND paid_cents + bonus_cents > 0", name="ck_card_hold_something"
        ),
        sa.ForeignKeyConstraint(["card_id"], ["prepaid_card.id"], name="fk_card_hold_card_id_prepaid_card"),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name="fk_card_hold_journal_id_journal"),
        sa.PrimaryKeyConstraint("id", name="pk_card_hold"),
    )
    op.create_index("ix_card_hold_cause", "card_hold", ["cause"])
    op.create_index("ix_card_hold_card_id", "card_hold", ["card_id"])
    op.create_table(
        "card_refund",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", INTEGER, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("amount_cents", INTEGER, nullable=False),
        sa.Column("owed_cents", INTEGER, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stripe_refund_id", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("origin IN ('staff', 'withdrawal', 'stripe')", name="ck_card_refund_origin"),
        sa.CheckConstraint("state IN ('reserved', 'pending', 'succeeded', 'failed')", name="ck_card_refund_state"),
        sa.CheckConstraint("amount_cents > 0 AND owed_cents BETWEEN 0 AND amount_cents", name="ck_card_refund_amounts"),
        sa.ForeignKeyConstraint(["order_id"], ["card_order.id"], name="fk_card_refund_order_id_card_order"),
        sa.PrimaryKeyConstraint("id", name="pk_card_refund"),
        sa.UniqueConstraint("key", name="uq_card_refund_key"),
        sa.UniqueConstraint("stripe_refund_id", name="uq_card_refund_stripe_refund_id"),
    )
    op.create_index("ix_card_refund_order_id", "card_refund", ["order_id"])
    op.create_index("ix_card_refund_asked_at", "card_refund", ["asked_at"])
    op.create_table(
        "card_dispute",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("stripe_dispute_id", sa.String(), nullable=False),
        sa.Column("order_id", INTEGER, nullable=False),
        sa.Column("amount_cents", INTEGER, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("respond_by", INSTANT, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('open', 'won', 'lost')", name="ck_card_dispute_state"),
        sa.CheckConstraint("amount_cents > 0", name="ck_card_dispute_amount_positive"),
        sa.ForeignKeyConstraint(["order_id"], ["card_order.id"], name="fk_card_dispute_order_id_card_order"),
        sa.PrimaryKeyConstraint("id", name="pk_card_dispute"),
        sa.UniqueConstraint("stripe_dispute_id", name="uq_card_dispute_stripe_dispute_id"),
    )
    op.create_index("ix_card_dispute_order_id", "card_dispute", ["order_id"])
