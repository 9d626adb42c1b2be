"""Where a film's next version is made: a folder that one process of this machine has for itself."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process of this machine is packaging the film."""


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """The folder, locked and empty; what an earlier process left there when it was killed is thrown away, as is
    everything at the end. Raises Busy.
    """
    with alone(folder):
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)


@contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """The folder, locked, with what was left in it: a long work goes on there. Raises Busy.

    The system lets go of the lock when the process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder.name)
        yield folder
    finally:
        os.close(descriptor)


def _lock(descriptor: int, film: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy(f"{film} is being packaged already") from None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
