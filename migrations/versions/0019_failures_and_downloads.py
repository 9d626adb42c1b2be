"""Failures of playing that the shop saw, and the files that buyers take home.

Forward on live data: two new tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "playback_failure",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("entitlement_id", INTEGER, nullable=False),
        sa.Column("lease_id", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("extended_from", INSTANT),
        sa.Column("extended_to", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_playback_failure"),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name="fk_playback_failure_entitlement_id_entitlement"
        ),
    )
    op.create_index("ix_playback_failure_entitlement_id", "playback_failure", ["entitlement_id"])
    op.create_table(
        "film_download",
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("size_bytes", INTEGER, nullable=False),
        sa.Column("mark_at", INTEGER, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("film_id", name="pk_film_download"),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_film_download_film_id_film"),
    )
