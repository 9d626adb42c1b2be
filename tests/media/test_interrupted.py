"""Killed, cancelled, crowded out or without room: at most one chunk is lost, nothing is left running, nothing is half published."""

import ctypes
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, func
from sqlalchemy import select as select_rows

from store.catalogue.models import Film
from store.db import db, transaction
from store.gateways.media_store import Busy, media_store
from store.gateways.verify_package import verify
from store.jobs.enqueue import enqueue
from store.jobs.models import Job, Worker
from store.jobs.work import run_next, work
from store.media.delivery import Delivery
from store.media.models import Ingest
from store.media.progress import Cancelled, Standing
from store.media.publish import cancel, order, order_again, publish
from store.media.slots import slot
from tests.conftest import both_engines
from tests.gateways.masters import draw
from tests.shop import Shop

SLUG = "la-sociale"
LONGEST_WAIT_S = 60

linux_alone = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("small") / "small.mp4", "320x180", 2)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds, three chunks."""
    return draw(tmp_path_factory.mktemp("masters") / "film.mp4", "426x240", 12)


@pytest.fixture
def inside(app: Flask, shop: Shop) -> Iterator[Flask]:
    """In the shop, which has a film without a recipe, and encodes in chunks of four seconds."""
    shop.film(SLUG, playable=False)
    app.config["ENCODE_CHUNK_S"] = 4
    with app.app_context():
        yield app


def film() -> Film:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select_rows(Film)).one()


def ingest() -> Ingest:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select_rows(Ingest)).one()


def pieces(app: Flask) -> list[str]:
    return sorted(path.name for path in (Path(app.config["MEDIA_URL"]) / ".packaging" / SLUG).glob("*/pieces/*"))


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)  # another process does it, and tells nobody


def a_fork(app: Flask, act: Callable[[], object]) -> int:
    """Another process, with a group of its own, that does something in the shop."""
    db.session.rollback()
    db.engine.dispose()
    child = os.fork()
    if not child:
        try:
            os.setsid()
            with app.app_context():
                act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def encoders(folder: Path) -> list[int]:
    """Processes of ffmpeg or the packager that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder) and (process / "exe").readlink().name.startswith(
                "ffmpeg"
            ):
                found.append(int(process.name))
        except OSError:  # it ended meanwhile
            continue
    return found


@linux_alone
@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["worker", "group"])
def test_a_killed_worker_loses_at_most_a_chunk(inside: Flask, master: Path, tmp_path: Path, kill: Callable):
    order(SLUG, Delivery(master))
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": SLUG})
    worker = a_fork(inside, lambda: work(inside, lambda seconds: bool(time.sleep(seconds))))  # until it is killed
    try:
        wait_for(lambda: "unfinished-chunk-00000100-100" in pieces(inside) and encoders(tmp_path))
        ends = [os.pidfd_open(encoder) for encoder in encoders(tmp_path)]
        niceness = [os.getpriority(os.PRIO_PROCESS, encoder) for encoder in encoders(tmp_path)]
    finally:
        kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    assert [nice >= 15 for nice in niceness] == [True]
    assert all(select.select([end], [], [], 5)[0] for end in ends), "the encoder outlives its worker"
    half = (Path(inside.config["MEDIA_URL"]) / ".packaging" / SLUG).rglob("unfinished-chunk-00000100-100/*.mp4")
    assert not [file for file in half if b"moov" in file.read_bytes()], "it was not ended, it came to its end"
    assert film().recipe is None
    assert "chunk-00000000-100" in pieces(inside)

    with transaction() as session:  # as after twenty seconds of silence
        session.execute(delete(Worker))
    seen = watch_publishing()
    assert min(standing.fraction for standing in seen if standing.step == "encode") >= 0.03 + 0.9 * 100 / 300
    assert run_next("another worker", "slow"), "the job of the dead worker is due again"
    assert db.session.scalars(select_rows(Job.done_at).where(Job.name == "media.publish")).one() is not None
    assert media_store().versions(SLUG) == [film().recipe]
    assert pieces(inside) == []


def watch_publishing() -> list[Standing]:
    seen: list[Standing] = []
    publish(SLUG, seen.append)
    return seen


@linux_alone
def test_two_who_publish_at_once_publish_once(inside: Flask, small: Path):
    order(SLUG, Delivery(small))
    children = [a_fork(inside, lambda: publish_or_be_busy()) for _ in range(3)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert ingest().state == "published"
    assert media_store().versions(SLUG) == [film().recipe]


def publish_or_be_busy() -> None:
    try:
        publish(SLUG)
    except Busy:
        return


def test_cancelling_ends_the_encode_and_keeps_what_is_done(inside: Flask, small: Path, master: Path):
    order(SLUG, Delivery(small))
    live = publish(SLUG)
    order(SLUG, Delivery(master))

    def cancel_in_the_second_chunk(standing: Standing) -> None:
        if standing.step == "encode" and standing.fraction > 0.35:
            cancel(SLUG)

    with pytest.raises(Cancelled):
        publish(SLUG, cancel_in_the_second_chunk)
    assert (ingest().state, ingest().error, film().recipe) == ("cancelled", None, live)
    assert pieces(inside)
    order_again(SLUG)
    seen = watch_publishing()
    assert min([standing.fraction for standing in seen if standing.step == "encode"], default=1) > 0.3
    assert film().recipe != live


@both_engines
def test_cancelling_at_the_last_moment_publishes_nothing(inside: Flask, small: Path):
    order(SLUG, Delivery(small))
    with pytest.raises(Cancelled):
        publish(SLUG, lambda standing: cancel(SLUG) and None if standing.step == "verify" else None)
    assert (ingest().state, film().recipe) == ("cancelled", None)


@both_engines
def test_what_was_cancelled_before_it_began_does_not_begin(inside: Flask, small: Path):
    order(SLUG, Delivery(small))
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": SLUG})
    assert cancel(SLUG)
    assert not cancel(SLUG)
    assert run_next("worker", "slow")
    assert db.session.scalar(select_rows(func.count()).where(Job.done_at.is_(None))) == 0
    assert (ingest().state, film().recipe) == ("cancelled", None)
    assert list((Path(inside.config["MEDIA_URL"]) / ".packaging" / SLUG).iterdir()) == [], "it did begin"


def test_a_film_waits_for_its_place(inside: Flask, small: Path):
    order(SLUG, Delivery(small))
    seen: list[str] = []

    def give_up(standing: Standing) -> None:
        seen.append(standing.step)
        raise KeyboardInterrupt

    with slot(Path(inside.config["INSTANCE_PATH"]) / "encodes", 1, lambda: None), pytest.raises(KeyboardInterrupt):
        publish(SLUG, give_up)
    assert seen == ["wait"]
    assert ingest().error == "stopped before the end; the next run goes on from there"
    assert publish(SLUG)


def test_places_are_as_many_as_they_are(tmp_path: Path):
    """Eight at once want two places; one of them dies while it holds one."""
    held: list[int] = []
    most: list[int] = []

    def hold() -> None:
        with slot(tmp_path, 2, lambda: None):
            held.append(1)
            most.append(len(held))
            time.sleep(0.01)  # holds its place long enough for others to meet it
            held.pop()

    dying = os.fork()
    if not dying:
        with slot(tmp_path, 2, lambda: None):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(dying, 0)
    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2
    assert len(most) == 8


def can_mount() -> bool:
    """Whether a fork of this process may have disks of its own."""
    child = os.fork()
    if not child:
        os._exit(0 if own_disk("/tmp", "64k") else 1)
    return os.waitpid(child, 0)[1] == 0


def own_disk(folder: str, size: str, *, again: bool = False) -> bool:
    """Give this process a small disk at `folder` that nobody else sees; or, `again`, another size."""
    new_namespace, private, remount = 0x00020000, 0x44000, 0x20
    libc = ctypes.CDLL(None, use_errno=True)
    if not again and (libc.unshare(new_namespace) or libc.mount(b"none", b"/", None, private, None)):
        return False
    return not libc.mount(b"tmpfs", folder.encode(), b"tmpfs", remount if again else 0, f"size={size}".encode())


@linux_alone
@pytest.mark.skipif(sys.platform == "linux" and not can_mount(), reason="a small disk needs the right to mount one")
def test_on_a_full_disk_what_was_live_plays_on(inside: Flask, small: Path, master: Path):
    """The disk grows in steps, until there is room: it is full while encoding, while cutting, and while drawing stills."""

    def grow_until_it_fits() -> None:
        media = Path(inside.config["MEDIA_URL"])
        media.mkdir()
        assert own_disk(str(media), "1m")
        order(SLUG, Delivery(small))
        live = publish(SLUG)
        order(SLUG, Delivery(master))
        errors = []
        for kilobytes in range(500, 8000, 250):
            assert own_disk(str(media), f"{kilobytes}k", again=True)
            try:
                publish(SLUG)
                break
            except Exception:
                errors.append(ingest().error)
                assert (ingest().state, film().recipe) == ("failed", live)
                with media_store().local_copy(SLUG, live) as folder:
                    assert verify(folder, 2.0)
        assert film().recipe != live
        assert len(errors) > 3
        assert {*errors} == {"the disk is full; nothing was published, what was live stays live"}

    assert os.waitpid(a_fork(inside, grow_until_it_fits), 0)[1] == 0
