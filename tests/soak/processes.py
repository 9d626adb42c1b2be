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


def in_two_processes(app: Flask, work: Work) -> list[Any]:
    """What `work` returns in each of two forks of this process; raises RuntimeError with the traceback of one that failed."""
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
        return [_answer_of(reader) for reader in readers]
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


def _answer_of(reader: Connection) -> Any:
    if not reader.poll(PATIENCE_S):
        raise RuntimeError(f"no answer within {PATIENCE_S} s")
    answer, failure = reader.recv()
    if failure:
        raise RuntimeError(failure)
    return answer
