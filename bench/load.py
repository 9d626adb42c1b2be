"""The load generator: eight connections kept alive, each asking again as soon as it was answered, in one epoll loop."""

import selectors
import socket
import time
from contextlib import ExitStack

CONNECTIONS = 8
PATIENCE_S = 60
"""A server's start counts too: connections wait in its socket until it is up."""


def requests_per_second(port: int, path: str, headers: dict[str, str], seconds: float) -> float:
    """Answers of 200 per second from 127.0.0.1; raises RuntimeError on any other."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode()
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ)
        received: dict[int, bytes] = {}
        answered, began = 0, time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise RuntimeError(f"no answer within {PATIENCE_S} s")
            for key, _events in ready:
                received[key.fd] = received.get(key.fd, b"") + key.fileobj.recv(262_144)
                if _is_whole(received[key.fd]):
                    answered += 1
                    received[key.fd] = b""
                    key.fileobj.sendall(request)
        return answered / elapsed


def _is_whole(answer: bytes) -> bool:
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"not an answer of 200: {answer[:80]!r}")
    head, blank_line, body = answer.partition(b"\r\n\r\n")
    return bool(blank_line) and len(body) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
