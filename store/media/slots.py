"""Never more encodes on a machine than it shall bear: a place among a few, kept by a lock that dies with its process."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

BETWEEN_LOOKS_S = 0.5


@contextmanager
def slot(folder: Path, count: int, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold one of `count` places, whose locks lie in `folder`; wait until one is free.

    `while_waiting` is called now and then meanwhile; what it raises ends the wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = [(folder / f"place-{number}").open("w") for number in range(count)]
    try:
        while not any(_is_taken(place) for place in places):
            while_waiting()
            time.sleep(BETWEEN_LOOKS_S)  # a lock file tells nobody when it is free
        yield
    finally:
        for place in places:
            place.close()


def _is_taken(place: IO[str]) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
