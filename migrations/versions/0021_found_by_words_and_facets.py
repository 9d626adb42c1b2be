"""What films are found by: facets, words, sort keys, former slugs; and a version that moves with what the catalogue shows.

Forward on live data: tables are added empty and columns with a default. The index is written by the worker, or at once by
`films index`; until then lists and film pages answer as before, and filters and search find nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AS_BYTES = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Add them."""
    op.add_column("film", sa.Column("sort_title", AS_BYTES, nullable=False, server_default=""))
    op.add_column("film", sa.Column("access", sa.JSON(), nullable=False, server_default="[]"))
    op.drop_index("ix_film_added_at", "film")
    op.drop_index("ix_film_year", "film")
    op.create_index("ix_film_newest", "film", ["added_at", "id"])
    op.create_index("ix_film_by_title", "film", ["sort_title", "id"])
    op.create_index("ix_film_by_year", "film", ["year", "id"])
    op.create_index("ix_film_by_length", "film", ["minutes", "id"])
    op.create_table(
        "former_slug",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_former_slug_film_id_film"),
        sa.PrimaryKeyConstraint("slug", name="pk_former_slug"),
    )
    op.create_index("ix_former_slug_film_id", "former_slug", ["film_id"])
    op.create_table(
        "film_facet",
        sa.Column("facet", AS_BYTES, nullable=False),
        sa.Column("value", AS_BYTES, nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_film_facet_film_id_film"),
        sa.PrimaryKeyConstraint("facet", "value", "film_id", name="pk_film_facet"),
    )
    op.create_index("ix_film_facet_film_id", "film_facet", ["film_id"])
    op.create_table(
        "search_word",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("word", AS_BYTES, nullable=False),
        sa.Column("entries", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_word"),
        sa.UniqueConstraint("word", name="uq_search_word_word"),
    )
    op.create_table(
        "search_gram",
        sa.Column("gram", AS_BYTES, nullable=False),
        sa.Column("word_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["word_id"], ["search_word.id"], name="fk_search_gram_word_id_search_word"),
        sa.PrimaryKeyConstraint("gram", "word_id", name="pk_search_gram"),
    )
    op.create_index("ix_search_gram_word_id", "search_gram", ["word_id"])
    op.create_table(
        "search_entry",
        sa.Column("word_id", INTEGER, nullable=False),
        sa.Column("kind", AS_BYTES, nullable=False),
        sa.Column("subject_id", INTEGER, nullable=False),
        sa.Column("weight", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["word_id"], ["search_word.id"], name="fk_search_entry_word_id_search_word"),
        sa.PrimaryKeyConstraint("word_id", "kind", "subject_id", name="pk_search_entry"),
    )
    op.create_index("ix_search_entry_heaviest", "search_entry", ["word_id", "weight", "subject_id"])
    op.create_index("ix_search_entry_subject", "search_entry", ["kind", "subject_id"])
    for name, number in (("shown", "version"), ("catalogue_index", "edition")):
        table = op.create_table(
            name,
            sa.Column("id", INTEGER, nullable=False),
            sa.Column(number, INTEGER, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        )
        op.bulk_insert(table, [{"id": 1, number: 0}])
