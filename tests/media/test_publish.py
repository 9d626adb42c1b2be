"""A master becomes a film that can be played, once, and what was live stays live until then."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store.catalogue.models import Film
from store.db import db, transaction
from store.gateways.media_store import Busy, media_store
from store.gateways.verify_package import verify
from store.gateways.video_tools import MasterRefused
from store.gateways.webvtt import Subtitle
from store.jobs.enqueue import enqueue
from store.jobs.models import Job
from store.jobs.work import run_next
from store.media.delivery import Delivery, recipe_of
from store.media.models import Ingest
from store.media.publish import UnknownFilm, order, publish
from tests.gateways.masters import draw
from tests.shop import Shop

SLUG = "la-sociale"


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("masters") / "film.mp4", "320x180", 3)


@pytest.fixture
def subtitles(tmp_path: Path) -> tuple[Subtitle, ...]:
    path = tmp_path / "fr.vtt"
    path.write_text("WEBVTT\n\n00:00.500 --> 00:02.000\nBonjour\n", encoding="utf-8")
    return (Subtitle("fr", path),)


@pytest.fixture
def film_id(shop: Shop) -> int:
    return shop.film(SLUG, playable=False)


@pytest.fixture
def inside(app: Flask, film_id: int) -> Iterator[None]:
    """In the shop, which has a film without a recipe."""
    with app.app_context():
        yield


def film() -> Film:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Film)).one()


def ingest() -> Ingest:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Ingest)).one()


def published_folders() -> list[str]:
    return media_store().versions(SLUG)


@pytest.mark.usefixtures("inside")
def test_a_master_is_published(master: Path, subtitles: tuple[Subtitle, ...]):
    order(SLUG, Delivery(master, subtitles))
    assert ingest().state == "waiting"
    recipe = publish(SLUG)
    assert recipe == recipe_of(Delivery(master, subtitles))
    assert (film().recipe, film().subtitles) == (recipe, ["fr"])
    row = ingest()
    assert (row.state, row.recipe, row.fraction, row.error) == ("published", recipe, 1.0, None)
    assert row.duration_s == pytest.approx(3, abs=0.05)
    with media_store().local_copy(SLUG, recipe) as folder:
        assert verify(folder, row.duration_s).heights == (180,)


@pytest.mark.usefixtures("inside")
def test_a_published_film_is_not_made_again(master: Path, subtitles: tuple[Subtitle, ...]):
    order(SLUG, Delivery(master, subtitles))
    steps: list[str] = []
    recipe = publish(SLUG, lambda standing: steps.append(standing.step))
    assert "encode" in steps
    steps.clear()
    began = time.monotonic()
    assert publish(SLUG, lambda standing: steps.append(standing.step)) == recipe
    assert time.monotonic() - began < 1
    began = time.monotonic()
    order(SLUG, Delivery(master, subtitles))  # as `films ingest` does
    assert publish(SLUG, lambda standing: steps.append(standing.step)) == recipe
    assert time.monotonic() - began < 1
    assert steps == []
    assert ingest().state == "published"


@pytest.mark.usefixtures("inside")
def test_what_was_live_stays_live_when_the_next_master_is_refused(master: Path, tmp_path: Path):
    order(SLUG, Delivery(master))
    recipe = publish(SLUG)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(master.read_bytes()[:5000])
    order(SLUG, Delivery(broken))
    with pytest.raises(MasterRefused):
        publish(SLUG)
    assert film().recipe == recipe
    assert (ingest().state, ingest().recipe) == ("failed", recipe)
    assert ingest().error.startswith("broken.mp4: ")
    assert "\n" not in ingest().error
    order(SLUG, Delivery(master))
    assert publish(SLUG) == recipe
    assert ingest().error is None


@pytest.mark.usefixtures("inside")
def test_other_subtitles_are_another_version_beside_the_first(master: Path, subtitles: tuple[Subtitle, ...]):
    order(SLUG, Delivery(master))
    first = publish(SLUG)
    order(SLUG, Delivery(master, subtitles))
    second = publish(SLUG)
    assert film().recipe == second
    assert published_folders() == sorted([first, second])


@pytest.mark.usefixtures("inside")
def test_two_do_not_package_one_film(master: Path):
    order(SLUG, Delivery(master))
    with media_store().alone(SLUG):
        with pytest.raises(Busy):
            publish(SLUG)
        with pytest.raises(Busy):
            order(SLUG, Delivery(master))
    assert ingest().state == "waiting"


@pytest.mark.usefixtures("inside")
def test_a_film_that_nobody_delivered_is_unknown(master: Path):
    with pytest.raises(UnknownFilm):
        publish(SLUG)
    with pytest.raises(UnknownFilm, match="'nothing'"):
        order("nothing", Delivery(master))


@pytest.mark.usefixtures("inside")
def test_the_job_publishes(master: Path):
    order(SLUG, Delivery(master))
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": SLUG})
    assert run_next("worker", "slow")
    assert film().recipe


@pytest.mark.usefixtures("inside")
def test_the_job_does_not_try_a_refused_master_again(tmp_path: Path):
    order(SLUG, Delivery(tmp_path / "nowhere.mp4"))
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": SLUG})
    assert run_next("worker", "slow")
    assert db.session.scalars(select(Job.done_at)).one() is not None
    assert ingest().error == "nowhere.mp4: No such file or directory"
    assert film().recipe is None


@pytest.mark.parametrize("step", ["media.packaged", "media.moved", "media.published"])
def test_a_kill_between_the_steps_leaves_one_version(app: Flask, film_id: int, master: Path, step: str):
    with app.app_context():
        order(SLUG, Delivery(master))
        db.engine.dispose()
    worker = os.fork()
    if not worker:
        app.config["SHOP_STOP_AT"] = step
        with app.app_context():
            publish(SLUG)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == -signal.SIGKILL
    with app.app_context():
        assert (film().recipe is not None) == (step == "media.published")
        recipe = publish(SLUG)
        assert film().recipe == recipe
        assert published_folders() == [recipe]
        assert ingest().state == "published"
        assert list((Path(app.config["MEDIA_URL"]) / ".packaging" / SLUG).iterdir()) == []


def test_the_command_publishes_and_says_so(app: Flask, film_id: int, master: Path, subtitles: tuple[Subtitle, ...]):
    runner = app.test_cli_runner()
    done = runner.invoke(args=["films", "ingest", SLUG, str(master), "--subtitles", f"fr={subtitles[0].path}"])
    assert done.exit_code == 0, done.output
    with app.app_context():
        assert done.output.splitlines()[-1] == f"{SLUG} is published as {film().recipe}."
        assert ingest().delivery["subtitles"] == {"fr": str(subtitles[0].path)}


@pytest.mark.parametrize("arguments", [["nothing", "film.mp4"], [SLUG, "text.mp4"]])
def test_the_command_refuses_in_one_line(app: Flask, film_id: int, master: Path, tmp_path: Path, arguments: list[str]):
    shutil.copy(master, tmp_path / "film.mp4")
    (tmp_path / "text.mp4").write_text("text")
    refused = app.test_cli_runner().invoke(args=["films", "ingest", arguments[0], str(tmp_path / arguments[1])])
    assert refused.exit_code == 1
    assert refused.output.splitlines()[-1].startswith("Error: ")
