"""A sandbox of one's own, which can be killed and started again; its events travel only where a test carries them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import stripe

from tests.checkout.stripe_side import act


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
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_sandbox/health", timeout=5):
                return process
        except URLError:
            assert process.poll() is None, "the sandbox ended at its start"


class OwnSandbox:
    """The process, its address, and what Stripe would say to somebody who asks without the shop."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.settings = {
            "STRIPE_API_BASE": self.url,
            "STRIPE_SECRET_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRETS": "whsec_sandbox",
        }
        self.start()
        act(self.url, "delivery", mode="lose")

    def start(self) -> None:
        """Until it answers, with all that it knew."""
        self._process = start_sandbox(self._folder, self._port, f"http://127.0.0.1:{free_port()}/")

    def kill(self) -> None:
        """As a power cut would."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def events(self, start: int = 0) -> list[dict[str, Any]]:
        """All events but the `start` oldest, the oldest first, without the sandbox's own notes on them."""
        with urlopen(f"{self.url}/_sandbox/events", timeout=30) as answer:
            told = json.load(answer)["data"][start:]
        return [{name: value for name, value in event.items() if name != "deliveries"} for event in told]

    def ask(self) -> stripe.StripeClient:
        """Stripe's own SDK, with a connection of its own."""
        return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": self.url})


@contextmanager
def own_sandbox(folder: Path) -> Iterator[OwnSandbox]:
    """A sandbox that knows nothing yet, and is gone afterwards."""
    folder.mkdir()
    sandbox = OwnSandbox(folder)
    try:
        yield sandbox
    finally:
        sandbox.kill()
