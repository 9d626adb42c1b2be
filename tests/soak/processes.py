"""The same work in several processes at once."""

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from flask import Flask

from store.db import db
from store.gateways.child_process import die_with_parent

PROCESSES = 2
PATIENCE_S = 300

Work = Callable[[int], Any]
"""What a process does, told its number from 0; what it returns is pickled."""


def in_two_processes(app: Flask | None, work: Work, patience_s: float | None = PATIENCE_S) -> list[Any]:
    """What `work` returns in each of two forks of this process; raises RuntimeError with the traceback of one that failed.

    `app` is the shop that they share, if they share one; `patience_s` how long to wait for each, None for ever.
    """
    if app:
        with app.app_context():
            db.engine.dispose()  # no connection is shared with a fork
    fork = multiprocessing.get_context("fork")
    readers, processes = [], []
    for number in range(PROCESSES):
        reader, writer = fork.Pipe(duplex=False)
        process = fork.Process(target=_answer, args=(writer, work, number), daemon=True)
        process.start()
        writer.close()
        readers.append(reader)
        processes.append(process)
    try:
        return [_answer_of(reader, patience_s) for reader in readers]
    finally:
        for process in processes:
            process.kill()
            process.join()


def _answer(writer: Connection, work: Work, number: int) -> None:
    die_with_parent()
    try:
        writer.send((work(number), None))
    except BaseException:
        writer.send((None, traceback.format_exc()))


def _answer_of(reader: Connection, patience_s: float | None) -> Any:
    if not reader.poll(patience_s):
        raise RuntimeError(f"no answer within {patience_s} s")
    try:
        answer, failure = reader.recv()
    except EOFError:
        raise RuntimeError("a process ended without an answer") from None
    if failure:
        raise RuntimeError(failure)
    return answer
