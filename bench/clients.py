"""Clients that do one thing again and again, all at once: threads of this process, or processes with threads of their own."""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from store.gateways.child_process import die_with_parent

PATIENCE_S = 120

_PROCESSES = multiprocessing.get_context("forkserver")  # forks what holds no connection of ours, and holds the imports
_PROCESSES.set_forkserver_preload(["bench.ledger"])


@dataclass(frozen=True)
class Client:
    """What to do, returning whether it took effect or was refused; and in which context, entered once by each thread."""

    act: Callable[[], bool]
    context: Callable[[], AbstractContextManager[Any]] = nullcontext


@dataclass(frozen=True)
class Pace:
    """What clients did in one round together: their tries, those that took effect, the seconds, their processes' CPU seconds."""

    tries: int
    done: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Tries per second."""
        return self.tries / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of a try."""
        return self.cpu_s * 1000 / self.tries


def in_threads(client: Client, seconds: float, threads: int = 1) -> Pace:
    """The pace of so many threads of this process that share the client."""
    began, cpu_began = time.monotonic(), time.process_time()

    def repeat() -> list[bool]:
        outcomes = []
        with client.context():
            while time.monotonic() - began < seconds:
                outcomes.append(client.act())
        return outcomes

    with ThreadPoolExecutor(threads) as pool:
        repeats = [pool.submit(repeat) for _ in range(threads)]
        outcomes = [outcome for repeated in repeats for outcome in repeated.result()]
    return Pace(len(outcomes), sum(outcomes), time.monotonic() - began, time.process_time() - cpu_began)


class Crew:
    """Processes that stay for all rounds of a comparison, each with a client of its own that `hire` makes there.

    `hire` is pickled: a function of a module, or a `partial` of one.
    """

    def __init__(self, hire: Callable[[], Client], processes: int, threads: int = 1) -> None:
        self._doors: list[Connection] = []
        self._processes = []
        for _ in range(processes):
            ours, theirs = _PROCESSES.Pipe()
            process = _PROCESSES.Process(target=_serve, args=(theirs, hire, threads), daemon=True)
            process.start()
            theirs.close()
            self._doors.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "Crew":
        """Wait until all are ready."""
        for door in self._doors:
            _answer_of(door)
        return self

    def pace(self, seconds: float) -> Pace:
        """Their pace together; raises RuntimeError with the traceback of one that failed."""
        for door in self._doors:
            door.send(seconds)
        paces = [_answer_of(door) for door in self._doors]
        return Pace(
            sum(pace.tries for pace in paces),
            sum(pace.done for pace in paces),
            max(pace.seconds for pace in paces),
            sum(pace.cpu_s for pace in paces),
        )

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Send them home."""
        for process in self._processes:
            process.kill()
            process.join()


def _serve(door: Connection, hire: Callable[[], Client], threads: int) -> None:
    die_with_parent()
    try:
        client = hire()
        door.send((None, None))
        while True:
            door.send((in_threads(client, door.recv(), threads), None))
    except EOFError:
        return
    except BaseException:
        door.send((None, traceback.format_exc()))


def _answer_of(door: Connection) -> Any:
    if not door.poll(PATIENCE_S):
        raise RuntimeError(f"no answer within {PATIENCE_S} s")
    answer, failure = door.recv()
    if failure:
        raise RuntimeError(failure)
    return answer
