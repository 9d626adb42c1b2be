"""A real sandbox process for the checkout's tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from store import create_app
from store.db import db
from tests.checkout.own_sandbox import OwnSandbox, free_port, own_sandbox, start_sandbox
from tests.conftest import settings_for
from tests.shop import Shop


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox whose webhooks nobody receives: tests send events by themselves."""
    port = free_port()
    process = start_sandbox(tmp_path_factory.mktemp("sandbox"), port, f"http://127.0.0.1:{free_port()}/stripe/webhook")
    yield f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


@pytest.fixture
def app(database_url: str, tmp_path: Path, sandbox: str) -> Iterator[Flask]:
    """A shop that talks to the sandbox."""
    app = create_app(
        settings_for(
            tmp_path,
            database_url,
            STRIPE_API_BASE=sandbox,
            STRIPE_SECRET_KEY="sk_test_sandbox",
            STRIPE_WEBHOOK_SECRETS="whsec_old,whsec_sandbox",
        )
    )
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def shop(app: Flask) -> Shop:
    """The same helper, for this shop."""
    return Shop(app)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnSandbox]:
    """A sandbox that nobody else pays at."""
    with own_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def own_app(database_url: str, tmp_path: Path, own: OwnSandbox) -> Iterator[Flask]:
    """A shop that talks to it."""
    app = create_app(settings_for(tmp_path, database_url, **own.settings))
    yield app
    with app.app_context():
        db.engine.dispose()
