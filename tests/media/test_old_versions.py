"""What a film was before goes, after a grace, and not while somebody watches, fetches or makes it."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert, update

from config import load
from store.catalogue.models import Film
from store.db import transaction
from store.gateways.media_store import media_store
from store.media import jobs
from store.media.models import FilmDownload, Ingest
from store.media.old_versions import GRACE
from store.playback.models import Lease
from tests.bucket import s3_server, settings_for_bucket
from tests.conftest import both_engines
from tests.playback.theatre import SLUG, add_film, start
from tests.shop import Shop

FORMER, LIVE, AT_HOME, FORMER_AT_HOME = (letter * 20 for letter in "abcd")
LONG_AGO = GRACE + timedelta(hours=1)


@pytest.fixture
def film(app: Flask, shop: Shop) -> int:
    """A film, published anew long ago, with all that it was in the store."""
    film_id = shop.film()
    with app.app_context():
        fill_store()
        since = datetime.now(UTC) - LONG_AGO
        published = {
            "state": "published",
            "recipe": LIVE,
            "updated_at": since,
            "delivery": {},
            "digests": {},
            "step": "",
        }
        at_home = {"recipe": LIVE, "version": AT_HOME, "size_bytes": 1, "mark_at": 0, "made_at": since}
        with transaction() as session:
            session.execute(update(Film).values(recipe=LIVE))
            session.execute(insert(Ingest).values(film_id=film_id, **published))
            session.execute(insert(FilmDownload).values(film_id=film_id, **at_home))
    return film_id


def fill_store() -> None:
    store = media_store()
    for version in (FORMER, LIVE, AT_HOME, FORMER_AT_HOME):
        with store.workshop(SLUG) as made:
            (made / version).mkdir()
            (made / version / "index.m3u8").write_text("#EXTM3U\n")
            store.publish(made / version, SLUG, version)


def left(app: Flask) -> set[str]:
    with app.app_context():
        jobs.delete_versions()
        return set(media_store().versions(SLUG))


@both_engines
def test_what_is_old_goes(app: Flask, film: int) -> None:
    assert left(app) == {LIVE, AT_HOME}
    assert left(app) == {LIVE, AT_HOME}


def test_in_a_bucket_too(app: Flask, film: int) -> None:
    with s3_server() as address:
        settings = load({"SHOP_MODE": "test", **settings_for_bucket(address, f"old-versions-{os.getpid()}")})
        app.config["MEDIA_BUCKET"] = settings["MEDIA_BUCKET"]
        with app.app_context():
            fill_store()
        assert left(app) == {LIVE, AT_HOME}


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (Ingest, {"updated_at": datetime.now(UTC)}),
        (Ingest, {"state": "running"}),
        (Ingest, {"recipe": FORMER}),
        (FilmDownload, {"made_at": datetime.now(UTC)}),
        (FilmDownload, {"recipe": FORMER}),
        (FilmDownload, None),
    ],
)
def test_a_film_that_is_not_settled_keeps_everything(app: Flask, film: int, table: type, values: dict | None) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(table).values(values) if values else delete(table))
    assert left(app) == {FORMER, LIVE, AT_HOME, FORMER_AT_HOME}


def test_what_somebody_watches_stays_until_they_stop(app: Flask, shop: Shop, film: int) -> None:
    person = shop.customer(credit=900)
    add_film(app, person, "purchase", SLUG)
    start(app, person)
    with app.app_context(), transaction() as session:
        session.execute(update(Lease).values(recipe=FORMER))
    assert left(app) == {FORMER, LIVE, AT_HOME}
    with app.app_context(), transaction() as session:
        session.execute(update(Lease).values(seen_at=datetime.now(UTC) - timedelta(minutes=2)))
    assert left(app) == {LIVE, AT_HOME}


def test_a_film_that_somebody_is_at_work_on_is_left_alone(app: Flask, film: int) -> None:
    with app.app_context(), media_store().alone(SLUG):
        assert left(app) == {FORMER, LIVE, AT_HOME, FORMER_AT_HOME}
