"""The table of packaging becomes that of ingest: a delivery of several kinds of files, speed and time left, cancelling.

Forward on live data. Nothing refers to the old table, so its rows move to the new one, whole, on either engine. Stop the
processes of the release before meanwhile: they look for the old one.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
KEPT = ("film_id", "state", "step", "fraction", "error", "recipe", "duration_s", "updated_at")


def upgrade() -> None:
    """Make the new table, move the rows, drop the old one."""
    ingest = op.create_table(
        "ingest",
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("delivery", sa.JSON(), nullable=False),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("speed", sa.Float(), nullable=True),
        sa.Column("left_s", sa.Float(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("recipe", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'published', 'failed', 'cancelled')", name="ck_ingest_state"
        ),
        sa.CheckConstraint("fraction >= 0 AND fraction <= 1", name="ck_ingest_fraction"),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_ingest_film_id_film"),
        sa.PrimaryKeyConstraint("film_id", name="pk_ingest"),
    )
    packaging = sa.table(
        "packaging",
        *(sa.column(name, INSTANT if name == "updated_at" else None) for name in (*KEPT, "master", "subtitles")),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(packaging)).mappings().all()
    if rows:
        connection.execute(sa.insert(ingest), [_moved(row) for row in rows])
    op.drop_table("packaging")


def _moved(row: sa.RowMapping) -> dict[str, object]:
    subtitles = json.loads(row["subtitles"])
    delivery = {
        "master": row["master"],
        "subtitles": subtitles,
        "sounds": {},
        "trailer": None,
        "language": None,
    }
    return {name: row[name] for name in KEPT} | {"delivery": delivery, "digests": {}}
