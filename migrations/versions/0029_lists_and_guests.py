"""A customer's list of films for later; collections of guests, with a sentence for each film; films whose licence is over.

Forward on live data: an empty table, columns that are empty, and a wider rule for the kind of a collection. On SQLite a rule is part
of its table, and a table that others refer to is not rebuilt: the one table that refers to collections steps aside meanwhile. The worker takes down what is over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "kind IN ('director', 'theme', 'festival', 'guest')"


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "watchlist_entry",
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "film_id", name="pk_watchlist_entry"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_watchlist_entry_customer_id_customer"),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_watchlist_entry_film_id_film"),
    )
    op.create_index("ix_watchlist_entry_film_id", "watchlist_entry", ["film_id"])
    op.add_column("film", sa.Column("is_over", sa.Boolean(), nullable=False, server_default=sa.false()))
    over = {"sqlite_where": sa.text("is_over = 1"), "postgresql_where": sa.text("is_over")}
    op.create_index("ix_film_over", "film", ["id"], **over)
    op.add_column("collection", sa.Column("guest", sa.String()))
    for name in ("note_fr", "note_en"):
        op.add_column("collection_film", sa.Column(name, sa.String(), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "sqlite":
        _widen_kinds_on_sqlite()
    else:
        op.drop_constraint("ck_collection_kind", "collection", type_="check")
        op.create_check_constraint("ck_collection_kind", "collection", KINDS)


def _widen_kinds_on_sqlite() -> None:
    """Rebuild the collections while nothing refers to them."""
    op.execute(
        "CREATE TABLE places_kept AS SELECT collection_id, film_id, position, note_fr, note_en FROM collection_film"
    )
    op.drop_table("collection_film")
    with op.batch_alter_table("collection") as collection:
        collection.drop_constraint("ck_collection_kind", type_="check")
        collection.create_check_constraint("ck_collection_kind", KINDS)
    op.create_table(
        "collection_film",
        sa.Column("collection_id", INTEGER, nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("note_fr", sa.String(), nullable=False, server_default=""),
        sa.Column("note_en", sa.String(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_collection_film_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_collection_film_film_id_film"),
        sa.PrimaryKeyConstraint("collection_id", "film_id", name="pk_collection_film"),
    )
    op.create_index("ix_collection_film_film_id", "collection_film", ["film_id"])
    op.execute(
        "INSERT INTO collection_film (collection_id, film_id, position, note_fr, note_en)"
        " SELECT collection_id, film_id, position, note_fr, note_en FROM places_kept"
    )
    op.drop_table("places_kept")
