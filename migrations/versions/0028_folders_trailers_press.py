"""A film's folder in the media store apart from its slug, the subtitles of its trailer, and a line of the press.

Forward on live data: columns that are empty or have a default. What is live has a trailer if one was delivered with it. Nobody
knows where a film lies that was renamed before this release: whoever did that ingests it again.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0026"


def upgrade() -> None:
    """Add them."""
    op.add_column("film", sa.Column("packaged_as", sa.String()))
    op.add_column("film", sa.Column("trailer", sa.JSON()))
    for name in ("press_fr", "press_en"):
        op.add_column("film", sa.Column(name, sa.String(), nullable=False, server_default=""))
    _note_trailers(op.get_bind())


def _note_trailers(connection: sa.Connection) -> None:
    """A row of a published ingest holds the delivery that its film was made from."""
    film = sa.table("film", sa.column("id"), sa.column("trailer", sa.JSON()))
    rows = connection.execute(sa.text("SELECT film_id, delivery FROM ingest WHERE state = 'published'"))
    deliveries = {
        row.film_id: json.loads(row.delivery) if isinstance(row.delivery, str) else row.delivery for row in rows
    }
    for film_id in (film_id for film_id, delivery in deliveries.items() if delivery.get("trailer")):
        connection.execute(film.update().where(film.c.id == film_id).values(trailer=[]))
