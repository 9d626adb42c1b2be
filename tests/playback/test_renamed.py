"""A film that was packaged and then renamed plays on: for who watches, for who comes by its old name, for who takes it home."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store.catalogue.models import Film
from store.catalogue.rename import rename
from store.db import db, transaction
from store.demo.seed import PACKAGED, delivery_of
from store.gateways.media_store import media_store
from store.media.download import download_of, make_download
from store.media.models import Ingest
from store.media.publish import order, publish
from tests.conftest import both_engines
from tests.nginx import Door, edge_before, shop_itself
from tests.playback.test_views import begin, post
from tests.playback.theatre import SLUG, holder
from tests.shop import Person, Shop

NEW, NEWER = "la-sociale-restauree", "la-sociale-en-couleurs"
TEST_CLIP = "test/index.m3u8"


@pytest.fixture
def recipe(app: Flask) -> str:
    """La Sociale as the demo has it, in the store; gives its recipe."""
    [folder] = (PACKAGED / SLUG).iterdir()
    with app.app_context():
        media_store().publish_copy(folder, SLUG, folder.name)
    return folder.name


@pytest.fixture
def buyer(app: Flask, shop: Shop, recipe: str) -> Person:
    """Somebody who bought it."""
    person = holder(app, shop, "purchase")
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(recipe=recipe))
    return person


def call_it(app: Flask, slug: str, new_slug: str) -> None:
    with app.app_context(), transaction() as session:
        rename(session, slug, new_slug)


def pieces_of(client: FlaskClient, manifest: str) -> dict[str, int]:
    """What the manifest names, and how each is answered."""
    lines = client.get(manifest).text.splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    assert names, "this is no manifest"
    return {name: client.get(manifest.replace("index.m3u8", name)).status_code for name in names}


@both_engines
def test_who_watches_goes_on_and_who_comes_begins(app: Flask, shop: Shop, buyer: Person) -> None:
    viewer = shop.signed_in(buyer)
    running = begin(viewer)
    token = viewer.get(f"/films/{SLUG}/voir").text.split('data-csrf="')[1].split('"')[0]
    call_it(app, SLUG, NEW)
    assert set(pieces_of(viewer, running["manifest"]).values()) == {200}
    renewed = post(viewer, running["renew"], token, position_s="12", sequence="1").get_json()
    assert set(pieces_of(viewer, renewed["manifest"]).values()) == {200}
    call_it(app, NEW, NEWER)
    for slug in (NEWER, SLUG):  # a page that was open before asks by the name that it knows
        started = post(viewer, f"/films/{slug}/lecture", token).get_json()
        assert set(pieces_of(viewer, started["manifest"]).values()) == {200}
    assert viewer.get(f"/films/{NEWER}/voir").status_code == 200
    for former in (SLUG, NEW):
        assert (viewer.get(f"/films/{former}").status_code, viewer.get(f"/films/{former}").location) == (
            301,
            f"/films/{NEWER}",
        )


@both_engines
def test_a_film_that_takes_its_old_name_back_plays(app: Flask, shop: Shop, buyer: Person) -> None:
    call_it(app, SLUG, NEW)
    call_it(app, NEW, SLUG)
    viewer = shop.signed_in(buyer)
    assert set(pieces_of(viewer, begin(viewer)["manifest"]).values()) == {200}
    assert viewer.get(f"/films/{NEW}").location == f"/films/{SLUG}"


@both_engines
def test_the_file_to_take_home_bears_the_new_name(app: Flask, shop: Shop, buyer: Person) -> None:
    with app.app_context():
        make_download(SLUG)
    call_it(app, SLUG, NEW)
    answer = shop.signed_in(buyer).get(f"/films/{NEW}/telecharger")
    assert answer.status_code == 200 and f"filename={NEW}.mp4" in answer.headers["Content-Disposition"]
    with app.app_context():
        ready = download_of(db.session, NEW)
        assert ready and len(answer.data) == ready.size_bytes
        make_download(SLUG)  # a job that was ordered under the old name
        assert db.session.scalars(select(Film.slug)).all() == [NEW]


@both_engines
def test_what_was_ordered_under_the_old_name_is_made(app: Flask, shop: Shop, recipe: str) -> None:
    shop.film(SLUG, playable=False)
    with app.app_context():
        order(SLUG, delivery_of(SLUG))
        call_it_here(SLUG, NEW)
        assert publish(SLUG) == recipe  # the store holds this version: nothing is encoded
        film, ingest = db.session.execute(select(Film, Ingest).join(Ingest)).one()
        assert (film.slug, film.recipe, ingest.state) == (NEW, recipe, "published")
        order(NEW, delivery_of(SLUG))
        assert publish(NEW) == recipe and media_store().versions(NEW) == []


def call_it_here(slug: str, new_slug: str) -> None:
    with transaction() as session:
        rename(session, slug, new_slug)


@pytest.fixture(params=["nginx", "shop"])
def door(request: pytest.FixtureRequest, app: Flask, buyer: Person, tmp_path: Path) -> Iterator[Door]:
    """nginx, and the shop that sends by itself, before a film that was renamed."""
    call_it(app, SLUG, NEW)
    app.config["MEDIA_SENDER"] = "nginx" if request.param == "nginx" else "app"
    with shop_itself(app) as shop, ExitStack() as stack:
        yield shop if request.param == "shop" else stack.enter_context(edge_before(shop, app, tmp_path / "nginx"))


def test_what_is_open_to_all_is_found_by_every_name(door: Door, recipe: str) -> None:
    there = f"/media/libre/{SLUG}/{recipe}/{TEST_CLIP}"
    answer, body = door.get(there)
    assert answer.status == 200 and body.startswith(b"#EXTM3U")
    moved, _ = door.get(f"/media/libre/{NEW}/{recipe}/{TEST_CLIP}")
    location = moved.getheader("Location") or ""
    assert (moved.status, location.removeprefix(f"https://localhost:{door.port}")) == (301, there)
    for missing in (
        f"/media/libre/{NEW}/{recipe}/missing.mp4",
        f"/media/libre/{NEWER}/{recipe}/{TEST_CLIP}",
        f"/media/libre/{SLUG}/{recipe}/missing.mp4",
    ):
        answer, _ = door.get(missing)
        if answer.status == 301:
            answer, _ = door.get((answer.getheader("Location") or "").removeprefix(f"https://localhost:{door.port}"))
        assert answer.status == 404, missing
