"""Background work: asked for by a commit, done at least once, by one living worker at a time, and never forgotten."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, update

from store import clock
from store.db import db, transaction
from store.jobs.enqueue import REGISTRY, enqueue, job
from store.jobs.models import Job, Worker
from store.jobs.work import MOST_ATTEMPTS, SILENT_AFTER, run_next, work
from tests.conftest import both_engines

pytestmark = both_engines

CALLS: Counter[int] = Counter()


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Jobs of these tests alone: one that counts, one that breaks."""
    CALLS.clear()
    before = dict(REGISTRY)

    @job("test.count")
    def count(number: int) -> None:
        CALLS[number] += 1

    @job("test.break")
    def break_down(number: int) -> None:
        CALLS[number] += 1
        raise ValueError("broken")

    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def ask(app: Flask, name: str = "test.count", number: int = 1) -> None:
    with app.app_context(), transaction() as session:
        enqueue(session, name, {"number": number})


def living_worker(app: Flask, silent: timedelta = timedelta(0)) -> str:
    """The id of a worker that showed itself `silent` ago."""
    worker_id = uuid.uuid4().hex
    with app.app_context(), transaction() as session:
        seen_at = clock.now() - silent
        session.execute(insert(Worker).values(id=worker_id, started_at=seen_at, seen_at=seen_at))
    return worker_id


def do_next(app: Flask, worker_id: str, lane: str = "prompt") -> bool:
    with app.app_context():
        return run_next(worker_id, lane)


def the_job(app: Flask) -> Job:
    with app.app_context():
        return db.session.scalars(select(Job)).one()


def hold(app: Flask, worker_id: str) -> None:
    """Make it look as if the worker had just begun the job."""
    with app.app_context(), transaction() as session:
        session.execute(update(Job).values(worker_id=worker_id, attempts=1))


def test_a_commit_makes_the_job_due_and_doing_it_ends_it(app: Flask) -> None:
    worker = living_worker(app)
    assert not do_next(app, worker)
    ask(app)
    assert do_next(app, worker)
    assert not do_next(app, worker)
    assert CALLS == {1: 1}
    assert the_job(app).done_at


def test_a_rollback_asks_for_nothing(app: Flask) -> None:
    with app.app_context(), pytest.raises(ZeroDivisionError), transaction() as session:
        enqueue(session, "test.count", {"number": 1})
        raise ZeroDivisionError
    assert not do_next(app, living_worker(app))
    assert not CALLS


def test_a_job_without_a_handler_is_refused_when_it_is_asked_for(app: Flask) -> None:
    with app.app_context(), pytest.raises(KeyError), transaction() as session:
        enqueue(session, "test.unknown", {})


def test_lanes_do_not_wait_for_each_other(app: Flask) -> None:
    worker = living_worker(app)
    ask(app)
    assert not do_next(app, worker, "slow")
    assert do_next(app, worker, "prompt")


def test_what_fails_is_tried_again_ever_more_rarely_then_given_up_until_asked(app: Flask) -> None:
    with time_machine.travel("2026-11-23T20:00:00Z", tick=False) as hands:
        ask(app, "test.break")
        pauses = []
        for _ in range(MOST_ATTEMPTS):
            worker = living_worker(app)
            assert do_next(app, worker)
            assert not do_next(app, worker), "tried again at once"
            with app.app_context():
                pauses.append((the_job(app).run_at - clock.now()).total_seconds())
            hands.shift(pauses[-1])
        assert pauses == sorted(pauses) and pauses[0] <= 5 and pauses[-1] <= 3600
        assert CALLS == {1: MOST_ATTEMPTS}
        hands.shift(timedelta(days=30))
        assert not do_next(app, living_worker(app))
        assert the_job(app).failed_at
        run = app.test_cli_runner()
        assert "test.break  given up  tries 12  ValueError('broken')" in run.invoke(args=["jobs", "list"]).output
        assert run.invoke(args=["jobs", "retry"]).output == "1 jobs are due again.\n"
        assert do_next(app, living_worker(app))
        assert CALLS == {1: MOST_ATTEMPTS + 1}
        assert not the_job(app).failed_at


def test_living_workers_never_do_one_job_twice(app: Flask) -> None:
    workers = [living_worker(app) for _ in range(4)]
    for number in range(40):
        ask(app, number=number)
    barrier = threading.Barrier(len(workers))

    def work_off(worker: str) -> None:
        barrier.wait()
        while do_next(app, worker):
            pass

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work_off, workers))
    assert dict.fromkeys(range(40), 1) == CALLS


def test_a_living_workers_job_is_left_to_it_and_a_silent_ones_is_taken_over(app: Flask) -> None:
    ask(app)
    hold(app, living_worker(app, SILENT_AFTER - timedelta(seconds=5)))
    assert not do_next(app, living_worker(app))
    hold(app, living_worker(app, SILENT_AFTER + timedelta(seconds=1)))
    assert do_next(app, living_worker(app))
    hold(app, "a worker that said goodbye")
    assert not do_next(app, living_worker(app)), "it is done"
    assert CALLS == {1: 1}


def test_a_worker_comes_back_to_what_it_could_not_finish(app: Flask) -> None:
    """The database was away when the job was to be marked done: its lane is idle, so the job is nobody's."""
    worker = living_worker(app)
    ask(app)
    hold(app, worker)
    assert do_next(app, worker)
    assert the_job(app).done_at


def test_a_job_that_kills_its_workers_is_given_up(app: Flask) -> None:
    ask(app)
    with app.app_context(), transaction() as session:
        session.execute(update(Job).values(worker_id="killed", attempts=MOST_ATTEMPTS))
    assert not do_next(app, living_worker(app))
    assert not CALLS
    assert the_job(app).failed_at
    app.test_cli_runner().invoke(args=["jobs", "retry"])
    assert do_next(app, living_worker(app))


def test_who_was_given_up_does_not_disturb_who_took_over(app: Flask) -> None:
    """A worker that was silent for too long fails at last, while another has the job."""
    second = living_worker(app)

    @job("test.overtaken")
    def overtaken(number: int) -> None:
        hold(app, second)
        raise ValueError("too late")

    ask(app, "test.overtaken")
    do_next(app, living_worker(app))
    assert the_job(app).worker_id == second


def test_a_running_worker_shows_itself_works_and_says_goodbye(app: Flask) -> None:
    done, stop = threading.Event(), threading.Event()
    job("test.signal")(done.set)
    with app.app_context(), transaction() as session:
        enqueue(session, "test.signal", {})
    thread = threading.Thread(target=work, args=(app, stop.wait))
    thread.start()
    assert done.wait(10)
    with app.app_context():
        assert db.session.scalar(select(Worker.id))
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    with app.app_context():
        assert db.session.scalar(select(Worker.id)) is None
    assert the_job(app).done_at


def test_a_worker_that_is_told_to_stop_gives_back_what_takes_long(app: Flask) -> None:
    """Whoever ends the demo while it packages a film does not wait for the film, and costs it no try."""
    begun, enough, stop, lane = threading.Event(), threading.Event(), threading.Event(), []

    @job("test.long", lane="slow")
    def take_long() -> None:
        lane.append(threading.current_thread())
        begun.set()
        enough.wait(60)

    with app.app_context(), transaction() as session:
        enqueue(session, "test.long", {})
    thread = threading.Thread(target=work, args=(app, stop.wait))
    thread.start()
    assert begun.wait(10)
    stop.set()
    thread.join(10)
    given_back = the_job(app)
    enough.set()
    lane[0].join(10)
    assert (given_back.worker_id, given_back.attempts, given_back.done_at) == (None, 0, None)
