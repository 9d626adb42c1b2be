"""What the release before was packaging, or had packaged, lives on in the table of ingest."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store.db import db
from store.gateways.webvtt import Subtitle
from store.media.delivery import Delivery, delivery_of
from store.media.models import Ingest
from store.migrate import upgrade
from tests.conftest import both_engines

FILM = (
    "INSERT INTO film (id, slug, title, year, minutes, countries, languages, age, tagline_fr, tagline_en, synopsis_fr,"
    " synopsis_en, subtitles, added_at) VALUES ({id}, 'film-{id}', 'Film', 2000, 80, '[]', '[]', 0, '', '', '', '', '[]',"
    " '2026-11-01 10:00:00+00')"
)
BEFORE = (
    FILM.format(id=1),
    FILM.format(id=2),
    "INSERT INTO packaging (film_id, master, subtitles, state, step, fraction, error, recipe, duration_s, updated_at) VALUES"
    " (1, '/masters/a.mov', '{\"fr\": \"/masters/a.fr.vtt\"}', 'published', '', 1, NULL, '0123456789abcdef0123', 4980.5,"
    " '2026-11-23 20:15:00+00'),"
    " (2, '/masters/b.mov', '{}', 'failed', 'encode', 0.25, 'b.mov: truncated', NULL, NULL, '2026-11-24 20:15:00+00')",
)


@pytest.fixture
def old_shop(shop_without_tables: Flask) -> Flask:
    """A shop as the release before leaves it, with a film published and one refused."""
    with shop_without_tables.app_context():
        upgrade("0012")
        with db.engine.begin() as connection:
            for statement in (
                BEFORE
                if db.engine.dialect.name == "postgresql"
                else [statement.replace("+00'", "'") for statement in BEFORE]
            ):
                connection.exec_driver_sql(statement)
    return shop_without_tables


@both_engines
def test_films_keep_their_way(old_shop: Flask) -> None:
    with old_shop.app_context():
        upgrade()
        published, failed = db.session.scalars(select(Ingest).order_by(Ingest.film_id))
    assert delivery_of(published.delivery) == Delivery(
        Path("/masters/a.mov"), (Subtitle("fr", Path("/masters/a.fr.vtt")),)
    )
    assert (published.state, published.recipe, published.duration_s) == ("published", "0123456789abcdef0123", 4980.5)
    assert published.updated_at == datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
    assert (published.speed, published.left_s, published.digests) == (None, None, {})
    assert (failed.state, failed.step, failed.fraction, failed.error) == ("failed", "encode", 0.25, "b.mov: truncated")
