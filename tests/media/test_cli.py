"""`films ingest` and `films ingests`: what staff type, and what they are told."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from store.db import db, transaction
from store.gateways.webvtt import Subtitle
from store.jobs.models import Job
from store.media.cli import in_words
from store.media.delivery import Delivery, SoundFile, delivery_of
from store.media.models import Ingest
from store.media.progress import Pace, Standing
from store.media.publish import order
from tests.checkout.own_sandbox import free_port
from tests.gateways.masters import draw
from tests.shop import Shop

SLUG = "la-sociale"


@pytest.fixture
def master(tmp_path: Path, shop: Shop) -> Path:
    """A master of a film that the shop has."""
    shop.film(SLUG, playable=False)
    return draw(tmp_path / "film.mp4", "128x72", 2)


def told(app: Flask, *arguments: str) -> str:
    done = app.test_cli_runner().invoke(args=["films", *arguments])
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_everything_that_can_be_delivered_is_kept_for_the_worker(app: Flask, master: Path, tmp_path: Path):
    (tmp_path / "fr.vtt").write_text("WEBVTT\n")
    options = ["--subtitles", f"fr={tmp_path}/fr.vtt", "--subtitles", f"fr-sdh={tmp_path}/fr.vtt", "--language", "en"]
    options += ["--sound", f"fr-ad={master}#2", "--sound", f"de={master}", "--trailer", str(master), "--later"]
    assert told(app, "ingest", SLUG, str(master), *options) == f"{SLUG} waits for the worker."
    with app.app_context():
        assert delivery_of(db.session.scalars(select(Ingest.delivery)).one()) == Delivery(
            master=master,
            subtitles=(Subtitle("fr", tmp_path / "fr.vtt"), Subtitle("fr-sdh", tmp_path / "fr.vtt")),
            sounds=(SoundFile("fr-ad", master, 2), SoundFile("de", master)),
            trailer=master,
            language="en",
        )
        assert db.session.scalars(select(Job.payload)).one() == {"film_slug": SLUG}


def test_cancelling_and_going_on(app: Flask, master: Path):
    told(app, "ingest", SLUG, str(master), "--later")
    assert told(app, "ingest", SLUG, "--cancel") == f"{SLUG} is cancelled."
    assert told(app, "ingest", SLUG, "--cancel") == f"{SLUG}: nothing waits or runs."
    assert told(app, "ingests") == f"{SLUG}  cancelled  0%"
    assert told(app, "ingest", SLUG).splitlines()[-1].startswith(f"{SLUG} is published as ")
    assert told(app, "ingests") == f"{SLUG}  published  100%"


def test_the_list_says_how_far_how_fast_and_how_long(app: Flask, master: Path):
    with app.app_context():
        order(SLUG, Delivery(master))
        running = {"state": "running", "step": "encode", "fraction": 0.42, "speed": 1.84, "left_s": 2712.0}
        with transaction() as session:
            session.execute(update(Ingest).values(running))
    assert told(app, "ingests") == f"{SLUG}  running  42%  encoding 1.8×, 45 min left"


@pytest.mark.parametrize("option", ["--subtitles", "--sound"])
@pytest.mark.parametrize("text", ["fr", "=file", "fr="])
def test_what_is_no_name_and_file_is_refused(app: Flask, master: Path, option: str, text: str):
    refused = app.test_cli_runner().invoke(args=["films", "ingest", SLUG, str(master), option, text])
    assert refused.exit_code == 2
    assert "is not NAME=FILE" in refused.output


@pytest.mark.parametrize("option", ["--subtitles", "--sound"])
def test_a_file_that_is_not_there_is_refused_in_one_line(app: Flask, master: Path, option: str):
    refused = app.test_cli_runner().invoke(args=["films", "ingest", SLUG, str(master), option, "fr=nowhere.vtt"])
    assert refused.exit_code == 1
    assert refused.output.splitlines()[-1] == "Error: nowhere.vtt: No such file or directory"


def test_speed_and_time_left_come_from_what_this_run_has_seen():
    """A film of 900 s whose first half an earlier run encoded."""
    pace = Pace(900.0)
    assert pace.standing("sound", 0.0, 100.0) == Standing("sound", 0.0)
    assert pace.standing("encode", 0.48, 110.0) == Standing("encode", 0.48)
    assert pace.standing("encode", 0.49, 111.0) == Standing("encode", 0.49), "too soon to tell"
    assert pace.standing("encode", 0.58, 160.0) == Standing("encode", 0.58, speed=2.0, left_s=210)


@pytest.mark.parametrize(("left_s", "words"), [(40, "40 s"), (190, "3 min"), (7500, "2 h 05 min"), (0, "0 s")])
def test_time_left_in_words(left_s: float, words: str):
    assert in_words(Standing("encode", 0.5, 0.75, left_s)) == f"encoding 0.8×, {words} left"


def test_a_bucket_that_is_out_of_reach_is_said_in_one_line(app: Flask, master: Path) -> None:
    keys = {"endpoint": f"http://127.0.0.1:{free_port()}", "region": "eu", "key_id": "key", "secret": "secret"}
    app.config["MEDIA_BUCKET"] = {"name": "films", "prefix": "", **keys}
    done = app.test_cli_runner().invoke(args=["films", "ingest", SLUG, str(master)])
    assert done.exit_code == 1
    assert "Could not connect" in done.output.strip().splitlines()[-1]
    assert "secret" not in done.output
