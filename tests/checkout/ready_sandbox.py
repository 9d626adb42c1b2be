"""Run as a program, with the sandbox's own arguments: a sandbox that is up again at once, however often it is killed.

Its code is imported once, and each start is a fork. It is told what to do by lines on its standard input: `start`, answered by
the sandbox's own word that it listens, and `kill`, answered by `killed`. It ends with whoever talks to it.
"""

import os
import signal
import sys

from store.gateways.child_process import die_with_parent
from store.gateways.stripe_sandbox.__main__ import main


def obey() -> None:
    """Start and kill as told, until nobody is there to tell."""
    running = 0
    for order in sys.stdin:
        if order == "start\n":
            running = _start()
        else:
            _kill(running)
            running = 0
            print("killed", flush=True)
    if running:
        _kill(running)


def _start() -> int:
    child = os.fork()
    if child == 0:
        die_with_parent()
        main()
    return child


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    obey()
