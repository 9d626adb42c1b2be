"""The file to take home: a whole film in one MP4, the buyer's and nobody else's, sold or not."""

import json
import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store.catalogue.models import Film
from store.db import db, transaction
from store.demo.seed import MASTERS, PACKAGED
from store.gateways.media_store import media_store
from store.gateways.mp4 import MARK, NAME, MarkedFile, NoMark, mark_of, place_of_mark
from store.gateways.video_tools import tool
from store.jobs.models import Job
from store.jobs.work import run_next
from store.media import jobs as media_jobs
from store.media.download import make_download, missing_downloads
from store.media.models import FilmDownload
from store.playback.take_home import name_at_home
from tests.playback.theatre import SLUG, add_film, holder, now, revoke
from tests.shop import Person, Shop

ADDRESS = f"/films/{SLUG}/telecharger"


@pytest.fixture
def package(app: Flask) -> str:
    """La Sociale as the demo has it, in the store; gives its recipe."""
    [folder] = (PACKAGED / SLUG).iterdir()
    with app.app_context():
        media_store().publish_copy(folder, SLUG, folder.name)
    return folder.name


@pytest.fixture
def buyer(app: Flask, shop: Shop, package: str) -> Person:
    """Somebody who bought La Sociale."""
    person = holder(app, shop, "purchase")
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(recipe=package))
    return person


@pytest.fixture
def browser(app: Flask, shop: Shop, buyer: Person) -> FlaskClient:
    """The buyer's browser, with the film's file made."""
    with app.app_context():
        make_download(SLUG)
    return shop.signed_in(buyer)


def described(path: Path) -> dict:
    questions = ("-show_format", "-show_streams", "-count_packets", "-of", "json")
    return json.loads(subprocess.check_output([tool("ffprobe"), "-v", "error", *questions, str(path)]))


def fetched(client: FlaskClient, tmp_path: Path) -> Path:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    path = tmp_path / "home.mp4"
    path.write_bytes(answer.data)
    return path


def test_the_file_holds_the_film_its_subtitles_and_its_order(browser: FlaskClient, tmp_path: Path) -> None:
    path = fetched(browser, tmp_path)
    film = described(path)
    tags = film["format"]["tags"]
    assert tags["title"] == "La Sociale"
    assert tags["comment"].split() == ["entitlement:1", "http://localhost/compte/recus/films/1"]
    picture, sound, *subtitles = film["streams"]
    assert (picture["codec_name"], picture["height"], picture["nb_read_packets"]) == ("h264", 720, "600")
    assert sound["codec_name"] == "aac"
    assert [(one["codec_name"], one["tags"]["language"]) for one in subtitles] == [
        ("mov_text", "eng"),
        ("mov_text", "fra"),
    ]
    assert float(film["format"]["duration"]) == pytest.approx(24, abs=0.05)
    command = [tool("ffmpeg"), "-v", "error", "-i", str(path), "-f", "null", "-"]
    decoded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert decoded.stderr == ""
    french = [tool("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:s:1", "-f", "webvtt", "-"]
    assert spoken(subprocess.check_output(french, text=True)) == spoken((MASTERS / f"{SLUG}.fr.vtt").read_text())
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat"), "it does not start fast"


def spoken(text: str) -> list[str]:
    return [
        line for line in text.splitlines() if line and "-->" not in line and not line.startswith(("WEBVTT", "NOTE"))
    ]


def test_it_is_sent_as_a_file_of_the_film_s_name(browser: FlaskClient) -> None:
    answer = browser.get(ADDRESS)
    assert answer.mimetype == "video/mp4"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=la-sociale.mp4; filename*=UTF-8''La%20Sociale%20%282016%29.mp4"
    )
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("J’veux du soleil", "J’veux du soleil (2019).mp4"),
        ("8, Clos / à\tÉvian : suite ?", "8, Clos à Évian - suite (2019).mp4"),
        ("../../etc", "etc (2019).mp4"),
        ("x" * 300, "x" * 120 + " (2019).mp4"),
    ],
)
def test_names_that_every_system_takes(title: str, name: str) -> None:
    assert name_at_home(title, 2019) == name


def test_parts_add_up_to_the_whole_wherever_they_are_cut(browser: FlaskClient, app: Flask) -> None:
    whole = browser.get(ADDRESS)
    with app.app_context():
        row = db.session.scalars(select(FilmDownload)).one()
    middle = row.mark_at + 20
    parts = [browser.get(ADDRESS, headers={"Range": cut}) for cut in (f"bytes=0-{middle}", f"bytes={middle + 1}-")]
    assert [part.status_code for part in parts] == [206, 206]
    assert b"".join(part.data for part in parts) == whole.data
    assert MARK not in whole.data
    assert parts[0].headers["Content-Range"] == f"bytes 0-{middle}/{row.size_bytes}"
    again = {"Range": "bytes=100-109", "If-Range": whole.headers["ETag"]}
    assert browser.get(ADDRESS, headers=again).data == whole.data[100:110]
    assert browser.get(ADDRESS, headers=again | {"If-Range": '"another"'}).status_code == 200
    assert browser.get(ADDRESS, headers={"Range": f"bytes={row.size_bytes}-"}).status_code == 416
    assert browser.head(ADDRESS).content_length == row.size_bytes


def test_each_buyer_s_file_is_their_own(app: Flask, shop: Shop, browser: FlaskClient) -> None:
    other = shop.customer("other@example.org", credit=9000)
    add_film(app, other, "purchase", SLUG)
    theirs, ours = shop.signed_in(other).get(ADDRESS), browser.get(ADDRESS)
    assert b"entitlement:2 " in theirs.data
    assert b"entitlement:1 " in ours.data
    assert theirs.headers["ETag"] != ours.headers["ETag"]


def test_it_survives_the_end_of_the_sale(app: Flask, browser: FlaskClient) -> None:
    with app.app_context(), transaction() as session:
        gone = {"recipe": None, "licensed_until": now().date() - timedelta(days=2), "territories": ["BE"]}
        session.execute(update(Film).values(**gone))
    assert browser.get(ADDRESS).status_code == 200


def test_who_did_not_buy_gets_nothing(app: Flask, shop: Shop, client: FlaskClient, browser: FlaskClient) -> None:
    tenant = shop.customer("tenant@example.org", credit=9000)
    add_film(app, tenant, "rental", SLUG)
    renting = shop.signed_in(tenant)
    for address in (ADDRESS, "/films/no-such-film/telecharger"):
        refused = renting.get(address)
        assert (refused.status_code, refused.location) == (303, address.removesuffix("/telecharger"))
    assert client.get(ADDRESS).location == f"/connexion?next={ADDRESS}"
    revoke(app)
    assert browser.get(ADDRESS).status_code == 303


def test_a_film_for_adults_asks_for_the_code_first(app: Flask, browser: FlaskClient) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(age=18))
    assert browser.get(ADDRESS).location == f"/films/{SLUG}/voir"


def test_the_file_lies_where_no_token_leads(app: Flask, browser: FlaskClient) -> None:
    with app.app_context():
        row = db.session.scalars(select(FilmDownload)).one()
        with media_store().open(SLUG, row.version, NAME) as file:
            assert file.seek(0, os.SEEK_END) == row.size_bytes
    assert browser.get(f"/media/libre/{SLUG}/{row.version}/{NAME}").status_code in (403, 404)
    assert browser.get(f"/media/x.y.z/{SLUG}/{row.version}/{NAME}").status_code == 403


# Making it


def test_until_it_is_made_a_page_says_so(app: Flask, shop: Shop, buyer: Person) -> None:
    client = shop.signed_in(buyer)
    waiting = client.get(ADDRESS)
    assert (waiting.status_code, waiting.headers["Refresh"]) == (202, "15")
    assert "se prépare" in waiting.text
    with app.app_context():
        media_jobs.make_missing_downloads()
        assert run_next("worker", "copy")
        assert not run_next("worker", "copy")
        assert missing_downloads(db.session) == []
        media_jobs.make_missing_downloads()
        assert db.session.scalars(select(Job.id).where(Job.done_at.is_(None))).all() == []
    assert client.get(ADDRESS).status_code == 200


def test_it_is_made_once_for_each_version(app: Flask, browser: FlaskClient, package: str) -> None:
    def made() -> FilmDownload:
        with app.app_context():
            make_download(SLUG)
            return db.session.scalars(select(FilmDownload)).one()

    first = made()
    assert made().made_at == first.made_at
    [folder] = (PACKAGED / "les-jours-heureux").iterdir()
    with app.app_context():
        media_store().publish_copy(folder, SLUG, folder.name)
        with transaction() as session:
            session.execute(update(Film).values(recipe=folder.name))
    second = made()
    assert (second.recipe, second.version != first.version) == (folder.name, True)
    with app.app_context():
        assert media_store().has(SLUG, first.version), "somebody may be fetching it"


def test_a_kill_before_it_is_pointed_to_leaves_one_file(app: Flask, buyer: Person) -> None:
    with app.app_context():
        db.engine.dispose()
    worker = os.fork()
    if not worker:
        app.config["SHOP_STOP_AT"] = "download.moved"
        with app.app_context():
            make_download(SLUG)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == -signal.SIGKILL
    with app.app_context():
        assert db.session.scalars(select(FilmDownload)).all() == []
        make_download(SLUG)
        row = db.session.scalars(select(FilmDownload)).one()
        assert media_store().versions(SLUG) == sorted([row.recipe, row.version])


def test_a_file_without_a_place_for_the_mark_is_refused(tmp_path: Path) -> None:
    for name, content in {
        "empty": b"",
        "no index": b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08mdat",
        "no mark": b"\0\0\0\x10moov" + bytes(8),
        "odd": b"\0\0\0\x01moov" + bytes(8),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(NoMark):
            place_of_mark(path)


def test_a_mark_is_read_in_pieces_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc" + MARK + b"xyz")
    wanted = b"abc" + mark_of("Été 12") + b"xyz"
    assert wanted[3:9] == b"?t? 12"
    for size in (1, 7, 159, 160, 161, 1000):
        with MarkedFile(path.open("rb"), mark_of("Été 12"), 3) as file:
            assert b"".join(iter(lambda: file.read(size), b"")) == wanted  # noqa: B023  # read before the next size
            assert file.seek(150) == 150
            assert file.read() == wanted[150:]
