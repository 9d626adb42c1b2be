"""The fair clock: who met a failure of the shop's gets time, who asks for what never was gets nothing."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from store.audit.models import Alert
from store.db import db, transaction
from store.playback import leases
from store.playback.failures import BETWEEN_NOTES, TIME_TO_TRY_AGAIN, note_failure
from store.playback.models import PlaybackFailure
from tests.conftest import both_engines
from tests.playback.theatre import RECIPE, SLUG, held, holder, now, page_token, revoke, start, write_film
from tests.shop import Shop


def note(app: Flask, lease_id: str, at) -> bool:
    with app.app_context(), transaction() as session:
        return note_failure(session, lease_id, "video-240/00001.m4s", at)


@both_engines
def test_a_failure_near_the_end_gives_a_day_and_tells_staff(app: Flask, shop: Shop) -> None:
    started = start(app, holder(app, shop))
    assert started.ends_at
    soon = started.ends_at - timedelta(hours=1)
    assert note(app, started.lease_id, soon)
    assert held(app).ends_at == soon + TIME_TO_TRY_AGAIN
    assert not note(app, started.lease_id, soon + timedelta(seconds=10)), "the player asks again"
    assert note(app, started.lease_id, soon + BETWEEN_NOTES)
    assert held(app).ends_at == soon + BETWEEN_NOTES + TIME_TO_TRY_AGAIN
    with app.app_context():
        first, _ = db.session.scalars(select(PlaybackFailure).order_by(PlaybackFailure.id)).all()
        assert (first.extended_from, first.extended_to) == (started.ends_at, soon + TIME_TO_TRY_AGAIN)
        assert [alert.kind for alert in db.session.scalars(select(Alert))] == ["playback_failed"]


@both_engines
def test_a_failure_early_on_changes_no_end(app: Flask, shop: Shop) -> None:
    started = start(app, holder(app, shop))
    assert note(app, started.lease_id, now())
    assert held(app).ends_at == started.ends_at


@both_engines
def test_a_purchase_has_no_end_to_move(app: Flask, shop: Shop) -> None:
    started = start(app, holder(app, shop, "purchase"))
    assert note(app, started.lease_id, now())
    assert held(app).ends_at is None


@both_engines
def test_what_does_not_run_does_not_fail(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    started = start(app, person)
    assert started.ends_at
    assert not note(app, "no-such-lease", started.ends_at)
    with app.app_context(), transaction() as session:
        leases.end(session, started.lease_id, person.id, now())
    assert not note(app, started.lease_id, started.ends_at)
    other = start(app, person)
    revoke(app)
    assert not note(app, other.lease_id, started.ends_at)
    assert held(app).ends_at == started.ends_at


# As the shop sees it


@pytest.fixture
def folder(app: Flask) -> Iterator[Path]:
    """La Sociale's files, with playlists that name what there is."""
    folder = write_film(app)
    (folder / "index.m3u8").write_text('#EXTM3U\n#EXT-X-MEDIA:URI="audio/index.m3u8"\nvideo-240/index.m3u8\n')
    (folder / "video-240" / "index.m3u8").write_text('#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n00001.m4s\n')
    yield folder


@pytest.fixture
def begun(app: Flask, shop: Shop, folder: Path) -> tuple[FlaskClient, dict[str, str]]:
    """A browser in which the film plays, and what it was answered."""
    client = shop.signed_in(holder(app, shop))
    fields = {"csrf_token": page_token(client), "consentement": "oui"}
    return client, client.post(f"/films/{SLUG}/lecture", data=fields).get_json()


@pytest.fixture
def playing(begun: tuple[FlaskClient, dict[str, str]]) -> tuple[FlaskClient, str]:
    """A browser in which the film plays, and the address of its first playlist."""
    client, answer = begun
    return client, answer["manifest"]


def failures(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(PlaybackFailure.id))) or 0


def fetch(playing: tuple[FlaskClient, str], name: str) -> int:
    client, manifest = playing
    return client.get(manifest.replace("index.m3u8", name)).status_code


def test_asking_for_what_never_was_is_no_failure(app: Flask, playing: tuple[FlaskClient, str]) -> None:
    for name in (
        "video-240/00002.m4s",
        "video-240/1.m4s",
        "nothing.m4s",
        "EXTM3U.m4s",
        "video-9/index.m3u8",
        "x/y/z.m4s",
    ):
        assert fetch(playing, name) == 404
    assert fetch(playing, "video-240/00001.m4s") == 200
    assert failures(app) == 0


@pytest.mark.parametrize("name", ["video-240/00001.m4s", "video-240/init.mp4", "audio/index.m3u8", "index.m3u8"])
def test_a_file_that_the_playlists_name_is_owed(
    app: Flask, folder: Path, playing: tuple[FlaskClient, str], name: str
) -> None:
    (folder / name).unlink(missing_ok=True)
    assert fetch(playing, name) == 404
    assert failures(app) == 1


def test_a_version_that_is_gone_is_owed_whole(app: Flask, folder: Path, playing: tuple[FlaskClient, str]) -> None:
    shutil.rmtree(folder)
    assert fetch(playing, "video-240/00001.m4s") == 404
    assert failures(app) == 1
    with app.app_context():
        assert db.session.scalars(select(Alert)).one().facts == {"film": SLUG, "file": f"{RECIPE}/video-240/00001.m4s"}


def test_without_its_token_nobody_reports_a_failure(app: Flask, folder: Path, playing: tuple[FlaskClient, str]) -> None:
    client, manifest = playing
    (folder / "video-240" / "00001.m4s").unlink()
    assert (
        client.get(manifest.replace("/media/", "/media/x").replace("index.m3u8", "video-240/00001.m4s")).status_code
        == 403
    )
    assert failures(app) == 0


def test_what_a_player_missed_is_looked_for(
    app: Flask, folder: Path, begun: tuple[FlaskClient, dict[str, str]]
) -> None:
    client, answer = begun
    token = page_token(client)

    def renew_without(name: str) -> int:
        return client.post(answer["renew"], data={"csrf_token": token, "sequence": "1", "failed": name}).status_code

    tricks = (
        "video-240/00001.m4s",
        "nothing.m4s",
        "#EXTM3U",
        "video-240/",
        "../secret.mp4",
        "\0.m4s",
        "x" * 5000,
        "/.m4s",
    )
    assert {renew_without(name) for name in tricks} == {200}
    assert failures(app) == 0
    (folder / "video-240" / "00001.m4s").unlink()
    assert renew_without("video-240/00001.m4s") == 200
    assert failures(app) == 1
