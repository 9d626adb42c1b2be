"""Long foreign programs, run so that they are never in the way and never left behind.

A program gets a process group of its own, low priority, limits on memory, file size and time, and none of our
environment. Whatever ends the caller's block ends the group. On Linux the kernel itself kills the program when the
thread that started it is gone, so that even `kill -9` of a worker leaves no orphan; elsewhere it ends with a worker that
exits by itself.

The file is both ends: imported, it starts programs; run by `start`, it becomes one. (A function between fork and exec,
as `preexec_fn`, is not safe where other threads run.)
"""

import atexit
import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

NICENESS = 15
MOST_MEMORY_BYTES = 8 * 1024**3
PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


class ProgramFailed(Exception):
    """A program ended badly or took too long; the message is one line."""


@dataclass
class Program:
    """A running program; `lines` is what it says on its standard output."""

    name: str
    process: subprocess.Popen[str]
    complaints: IO[str]
    lines: IO[str] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None  # noqa: S101  # for the types: PIPE was asked for
        self.lines = self.process.stdout

    def check(self) -> None:
        """Wait for the end; raises ProgramFailed with the program's last complaint when it was a bad one."""
        code = self.process.wait()
        if code == -signal.SIGKILL:
            raise ProgramFailed(f"{self.name} took too long or was killed")
        if code:
            raise ProgramFailed(f"{self.name}: {self._last_complaint() or f'exit status {code}'}")

    def complained(self) -> str:
        """What it said on its standard error, until now."""
        self.complaints.seek(0)
        return self.complaints.read()

    def _last_complaint(self) -> str:
        spoken = [line.strip() for line in self.complained().splitlines() if line.strip()]
        return spoken[-1][:300] if spoken else ""


@contextmanager
def start(command: Sequence[str], cwd: Path, longest_s: float, largest_bytes: int) -> Iterator[Program]:
    """Run `command` in `cwd`; its group is dead when the block ends.

    It may run `longest_s` seconds and write files of `largest_bytes` each.
    """
    launcher = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(largest_bytes)]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(  # noqa: S603  # a list, never a shell; what a film brings along is a file of ours in it
            [*launcher, *command],
            cwd=cwd,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
        farewell = partial(_kill_group, process)
        deadline = threading.Timer(longest_s, farewell)
        deadline.daemon = True
        deadline.start()
        atexit.register(farewell)
        try:
            yield Program(Path(command[0]).name, process, complaints)
        finally:
            deadline.cancel()
            farewell()
            atexit.unregister(farewell)
            process.wait()
            if process.stdout:
                process.stdout.close()


def _kill_group(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _become(parent: int, largest_bytes: int, command: list[str]) -> None:
    """Turn this process into `command`, tied to its parent and held in its limits."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, largest_bytes))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        _die_with_parent()
    if os.getppid() != parent:  # it died before we asked to follow
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # no shell is the point


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
