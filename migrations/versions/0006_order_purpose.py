"""Orders say for whom their card is; those of the releases before this one are for oneself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; what the release before this one still writes during the upgrade gets the same default."""
    with op.batch_alter_table("card_order") as order:
        order.add_column(sa.Column("purpose", sa.String(), nullable=False, server_default="self"))
        order.create_check_constraint("ck_card_order_purpose", "purpose IN ('self', 'gift', 'suspended')")
