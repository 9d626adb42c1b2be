"""The queue before SQLite's write lock."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from store.gate import Gate
from tests.soak.processes import PROCESSES, in_two_processes

THREADS, TIMES = 4, 50


def test_one_at_a_time_whatever_the_process(app: Flask, tmp_path: Path) -> None:
    gate, counter = Gate(str(tmp_path / "shop.sqlite")), tmp_path / "counter"
    counter.write_text("0")

    def count(_thread: int) -> None:
        for _ in range(TIMES):
            with gate:
                counter.write_text(str(int(counter.read_text()) + 1))

    def count_in_threads(_process: int) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(count, range(THREADS)))

    in_two_processes(app, count_in_threads)
    assert counter.read_text() == str(PROCESSES * THREADS * TIMES)


def test_who_waits_longest_is_next(tmp_path: Path) -> None:
    gate, passed = Gate(str(tmp_path / "shop.sqlite")), []

    def enter(number: int) -> None:
        with gate:
            passed.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(5)]
    with gate:
        for number, thread in enumerate(threads):
            thread.start()
            while len(gate.threads) <= number:
                os.sched_yield()
    enter(5)
    for thread in threads:
        thread.join()
    assert passed == [0, 1, 2, 3, 4, 5]


def test_who_dies_inside_leaves_it_open(tmp_path: Path) -> None:
    path = str(tmp_path / "shop.sqlite")
    child = os.fork()
    if child == 0:
        with Gate(path):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with Gate(path):
        pass


def test_a_failure_inside_lets_the_next_one_in(tmp_path: Path) -> None:
    gate = Gate(str(tmp_path / "shop.sqlite"))
    with pytest.raises(RuntimeError), gate:
        raise RuntimeError
    with gate:
        pass


def test_a_gate_that_cannot_be_reached_blocks_nobody(tmp_path: Path) -> None:
    gate = Gate(str(tmp_path / "nowhere" / "shop.sqlite"))
    for _ in range(2):
        with pytest.raises(FileNotFoundError), gate:
            pass
