"""Orders of several cards; orders of what is missing for a film; orders whose bank takes days.

Orders of the first releases have no card until they are paid: from now on every order has its cards from its beginning.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

CHECKS = {
    "state": "state IN ('pending', 'processing', 'paid', 'failed', 'lapsed')",
    "purpose": "purpose IN ('self', 'gift', 'suspended', 'gap')",
    "quantity": "quantity BETWEEN 1 AND 20",
    "cards_are_alike": "price_cents % quantity = 0 AND credit_cents % quantity = 0",
    "film_act": "film_act IN ('rent', 'buy')",
    "film_outcome": "film_outcome IN ('granted', 'held', 'short', 'frozen', 'withdrawn')",
    "gap_is_for_a_film": (
        "purpose <> 'gap' OR (film_slug IS NOT NULL AND film_act IS NOT NULL AND film_price_cents IS NOT NULL)"
    ),
    "granted_film_is_held": "(film_outcome IN ('granted', 'held')) = (entitlement_id IS NOT NULL)",
}


def upgrade() -> None:
    """Add the columns with what the release before this one means by leaving them out, then the new rules."""
    with op.batch_alter_table("card_order") as order:
        order.add_column(sa.Column("quantity", INTEGER, nullable=False, server_default="1"))
        order.add_column(sa.Column("film_act", sa.String()))
        order.add_column(sa.Column("film_price_cents", INTEGER))
        order.add_column(sa.Column("film_outcome", sa.String()))
        order.add_column(sa.Column("entitlement_id", INTEGER))
        order.drop_constraint("ck_card_order_state", type_="check")
        order.drop_constraint("ck_card_order_purpose", type_="check")
        for name, rule in CHECKS.items():
            order.create_check_constraint(f"ck_card_order_{name}", rule)
        order.create_foreign_key("fk_card_order_entitlement_id_entitlement", "entitlement", ["entitlement_id"], ["id"])
    _issue_missing_cards()


def _issue_missing_cards() -> None:
    """The missing cards are all for oneself: the release that sells others issues every card with its order."""
    connection = op.get_bind()
    orders = connection.execute(
        sa.text(
            """
            SELECT id, price_cents, credit_cents, currency, created_at, customer_id FROM card_order
            WHERE NOT EXISTS (SELECT 1 FROM prepaid_card WHERE reference = 'order:' || card_order.id)
            """
        )
    ).all()
    issue = sa.text(
        """
        INSERT INTO prepaid_card
            (reference, purpose, price_cents, credit_cents, currency, last4, issued_at, reissue, bought_by)
        VALUES ('order:' || :id, 'self', :price_cents, :credit_cents, :currency, :last4, :created_at, 0, :customer_id)
        """
    )
    for order in orders:
        last4 = "".join(secrets.choice(SYMBOLS) for _ in range(4))
        connection.execute(issue, {**order._mapping, "last4": last4})
