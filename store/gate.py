"""The queue before SQLite's write lock, for all threads of all processes that write to one database.

SQLite lets whoever finds the lock taken sleep for up to a tenth of a second and look again, while others take it; Python's
lock, too, goes to whoever asks first after its release. So threads wait in a queue of ours. Processes wait in the kernel,
which wakes them at once, for the place of the next, which nobody can pass.
"""

import fcntl
import os
import threading
from collections import deque
from types import TracebackType


class Gate:
    """`with gate:` lets one thread of one process in. Who dies inside leaves it open: the kernel drops their locks."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.threads = Queue()
        self._inside = -1

    def __enter__(self) -> None:
        """Wait for the threads of this process, then for the other processes."""
        self.threads.join()
        try:
            place_of_the_next = _lock(f"{self._path}-next")
            try:
                self._inside = _lock(f"{self._path}-gate")
            finally:
                _unlock(place_of_the_next)
        except BaseException:
            self.threads.leave()
            raise

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Let the next one in."""
        _unlock(self._inside)
        self.threads.leave()


class Queue:
    """Threads, one at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_busy = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def join(self) -> None:
        """Wait until it is this thread's turn."""
        with self._mutex:
            if not self._is_busy:
                self._is_busy = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:  # a signal's, in the main thread
            self._give_up(turn)
            raise

    def leave(self) -> None:
        """The next thread's turn."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_busy = False

    def _give_up(self, turn: threading.Lock) -> None:
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        self.leave()


def _lock(path: str) -> int:
    """A descriptor of our own, since a fork shares its parent's and would share their locks."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
