"""A real sandbox process for the checkout's tests."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from flask import Flask

from store import create_app
from store.db import db
from tests.conftest import settings_for
from tests.shop import Shop


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_sandbox(folder: Path, port: int, webhook_url: str) -> subprocess.Popen[bytes]:
    """The sandbox, once it answers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "store.gateways.stripe_sandbox", "--port", str(port)),
            *("--data", str(folder / "sandbox.sqlite"), "--webhook-url", webhook_url),
            *("--webhook-secret", "whsec_sandbox"),
        ],
        start_new_session=True,
    )
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_sandbox/health", timeout=5):
                return process
        except URLError:
            assert process.poll() is None, "the sandbox ended at its start"


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
