"""Segments behind nginx: what the check of the path token costs its worker, beside the same file sent by the same nginx."""

import os
import secrets
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from flask import Flask
from sqlalchemy import select

from bench import Verdict, at_most, row
from store.catalogue.models import Film
from store.db import db
from store.playback.tokens import make_token
from tests.checkout.own_sandbox import free_port
from tests.nginx import DEPLOY, lay_out, running

FILM = "la-sociale"
WHOLE_FILM, ITS_RECIPE, ITS_SEGMENT_BYTES = "whole-film", "0" * 16, 2_000_000
"""Four seconds of 1080 lines as films need them; those of the demo weigh a fiftieth."""

MOST = 1.2
TURNS = 25
"""Many and short ones: what disturbs the machine meanwhile disturbs both sides."""

ROUND_BYTES = 16_000_000
STATIC = """
keepalive_requests 1000000;
server {{
    listen 127.0.0.1:{port};
    root {root};
    types {{ video/mp4 m4s; }}
    sendfile on;
    tcp_nopush on;
    open_file_cache max=10000 inactive=60s;
    open_file_cache_valid 60s;
    access_log static.log combined buffer=64k flush=5s;
}}
"""


def measure_edge(app: Flask) -> list[Verdict]:
    """Print a row for each size of segment."""
    with app.app_context():
        recipe = db.session.scalars(select(Film.recipe).where(Film.slug == FILM)).one()
    media = Path(app.config["MEDIA_URL"])
    whole = media / WHOLE_FILM / ITS_RECIPE / "video-1080"
    whole.mkdir(parents=True)
    (whole / "00001.m4s").write_bytes(secrets.token_bytes(ITS_SEGMENT_BYTES))
    segments = {
        "segment of the demo, 720 lines": f"{FILM}/{recipe}/video-720/00001.m4s",
        "segment of 2 MB": f"{WHOLE_FILM}/{ITS_RECIPE}/video-1080/00001.m4s",
    }
    row("nginx", "token µs", "static µs", "ratio", "requests")
    with tempfile.TemporaryDirectory(prefix="shop-edge-") as folder:
        edge = _Nginx(app, Path(folder) / "nginx")
        with running(edge.folder, edge.port) as process:
            edge.worker = _worker_of(process.pid)
            return [
                at_most(f"CPU with token / static, {name}", edge.compare(name, path), MOST)
                for name, path in segments.items()
            ]


class _Nginx:
    """The shop's nginx without TLS, which costs both sides the same, and a server for the bare files in the same worker."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self.folder, self.port, self._static_port = folder, free_port(), free_port()
        static = STATIC.format(port=self._static_port, root=app.config["MEDIA_URL"])
        films = (DEPLOY / "films-in-folder.conf").read_text(encoding="utf-8")
        lay_out(app, folder, self.port, free_port(), films=films, beside=static, tls=False)
        self.worker = 0

    def compare(self, name: str, path: str) -> float:
        """Print the row; returns the ratio of CPU times."""
        film, recipe, _ = path.split("/", 2)
        token = make_token(self._app.config["MEDIA_TOKEN_KEYS"], "A" * 22, film, recipe, datetime.now(UTC))
        with _Client(self.port, f"/media/{token}/{path}") as ours, _Client(self._static_port, f"/{path}") as theirs:
            requests = max(20, ROUND_BYTES // max(ours.fetch(), theirs.fetch()))
            rounds = [(self._cost_us(ours, requests), self._cost_us(theirs, requests)) for _ in range(TURNS)]
        our_us, their_us = (median(side) for side in zip(*rounds, strict=True))
        ratio = median(our / their for our, their in rounds)
        row(name, f"{our_us:.1f}", f"{their_us:.1f}", f"{ratio:.3f}", str(requests * TURNS))
        return ratio

    def _cost_us(self, client: "_Client", requests: int) -> float:
        """The worker's CPU time for one request, in microseconds."""
        before = _cpu_us(self.worker)
        for _ in range(requests):
            client.fetch()
        return (_cpu_us(self.worker) - before) / requests


class _Client:
    """One connection that asks for one file again and again."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._buffer = bytearray(1024 * 1024)

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fetch(self) -> int:
        """Ask once and wait for all of it; gives the length of the body. RuntimeError for anything but 200."""
        self._socket.sendall(self._request)
        head, _, body = self._socket.recv(65536).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not an answer of 200: {head[:80]!r}")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        missing = length - len(body)
        while missing:
            missing -= self._socket.recv_into(self._buffer)
        return length


def _worker_of(master: int) -> int:
    """nginx's one worker, which is a moment later than its port."""
    while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        os.sched_yield()
    return int(children[0])


def _cpu_us(pid: int) -> float:
    """What the process has spent on a processor, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000
