"""A flood of deliveries to a real server, its worker beside it, while somebody looks at films."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3
from sqlalchemy import func, select

from bench.shop import Environ, served
from store.db import db
from store.gateways.child_process import die_with_parent
from store.jobs.models import Job
from tests.checkout.flood import Delivery, Flood
from tests.checkout.own_sandbox import OwnSandbox
from tests.soak.shops import Soaked

SENDERS = 8
"""Deliveries at the same time."""

FILM = "la-sociale"
PAGE = f"/films/{FILM}"
HOST = {"Host": "localhost"}
PATIENCE_S = 600
LONGEST_START_S = 300
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Figures:
    """Seconds: of each delivery, of each page meanwhile, of all deliveries together, and until the last job was done after them."""

    deliveries: list[float]
    pages: list[float]
    sending_s: float
    working_s: float


class Strange(Exception):
    """An answer that a delivery or a page should not get."""


def send_all(soaked: Soaked, sandbox: OwnSandbox, count: int, seed: int) -> tuple[Figures, list[str]]:
    """Send `count` deliveries, wait until the worker has done what follows; how long it took, and what is not as it should be."""
    soaked.shop.film(FILM)
    flood = Flood(soaked.app, sandbox, count, random.Random(seed))
    environ = _environ_of(soaked, sandbox)
    with served("wsgi:app", environ) as port, _working(environ):
        http = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=SENDERS + 1, timeout=30, retries=False)
        http.request("GET", PAGE, headers=HOST, timeout=LONGEST_START_S)  # starting is no part of it
        began = time.monotonic()
        with _repeated(lambda: view_page(http)) as pages, ThreadPoolExecutor(SENDERS) as senders:
            times = list(senders.map(lambda delivery: _deliver(http, delivery), flood.deliveries))
        sent = time.monotonic()
        _wait_for_the_worker(soaked)
        worked = time.monotonic()
    with soaked.app.app_context():
        return Figures(times, pages, sent - began, worked - sent), list(flood.violations(db.session))


def view_page(http: urllib3.HTTPConnectionPool) -> float:
    """Somebody looks at a film's page; the seconds until it is there."""
    began = time.monotonic()
    answer = http.request("GET", PAGE, headers=HOST)
    if answer.status != 200:
        raise Strange(f"{PAGE}: {answer.status}")
    return time.monotonic() - began


def percentile(seconds: list[float], percent: int) -> float:
    """The time within which so many percent were done."""
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * percent // 100)]


def _deliver(http: urllib3.HTTPConnectionPool, delivery: Delivery) -> float:
    headers = delivery.headers() | HOST
    began = time.monotonic()
    answer = http.request("POST", "/stripe/webhook", body=delivery.body, headers=headers)
    if answer.status != (400 if delivery.is_forged else 200):
        raise Strange(f"{answer.status} for a delivery, forged: {delivery.is_forged}")
    return time.monotonic() - began


@contextmanager
def _repeated(act: Callable[[], float]) -> Iterator[list[float]]:
    """Another thread acts again and again, as long as this lasts; its times."""
    times, is_over = [], threading.Event()

    def repeat() -> None:
        while not is_over.is_set():
            times.append(act())

    with ThreadPoolExecutor(1) as other:
        repeated = other.submit(repeat)
        try:
            yield times
        finally:
            is_over.set()
        repeated.result()


@contextmanager
def _working(environ: Environ) -> Iterator[None]:
    """A worker process of the same shop."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "work"]
    worker = subprocess.Popen(
        command, env={**os.environ, **environ}, preexec_fn=die_with_parent, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def _wait_for_the_worker(soaked: Soaked) -> None:
    """Until nothing waits in the prompt lane."""
    waiting = select(func.count(Job.id)).where(Job.done_at.is_(None), Job.lane == "prompt")
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with soaked.app.app_context():
            if not db.session.scalars(waiting).one():
                return
        time.sleep(LOOK_EVERY_S)  # the queue tells nobody when it is empty
    raise Strange(f"the worker is not done after {PATIENCE_S} s")


def _environ_of(soaked: Soaked, sandbox: OwnSandbox) -> Environ:
    names = ("SHOP_MODE", "DATABASE_URL", "MIGRATION_DATABASE_URL", "SHOP_URL")
    return {name: soaked.settings[name] for name in names} | {"INSTANCE_PATH": str(soaked.folder)} | sandbox.settings
