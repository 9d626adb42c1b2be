"""A sandbox of one's own, which can be killed and started again; its events travel only where a test carries them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
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
    command = _command("store.gateways.stripe_sandbox", folder, port, webhook_url)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout and process.stdout.readline(), "the sandbox ended at its start"
    return process


def _command(module: str, folder: Path, port: int, webhook_url: str) -> list[str]:
    return [
        *(sys.executable, "-m", module, "--port", str(port)),
        *("--data", str(folder / "sandbox.sqlite"), "--webhook-url", webhook_url),
        *("--webhook-secret", "whsec_sandbox"),
    ]


class OwnSandbox:
    """The process, its address, and what Stripe would say to somebody who asks without the shop."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.settings = {
            "STRIPE_API_BASE": self.url,
            "STRIPE_SECRET_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRETS": "whsec_sandbox",
        }
        command = _command("tests.checkout.ready_sandbox", folder, port, f"http://127.0.0.1:{free_port()}/")
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.start()
        act(self.url, "delivery", mode="lose")

    def start(self) -> None:
        """Until it answers, with all that it knew."""
        assert self._tell(b"start").startswith(b"Stripe sandbox on"), "the sandbox ended at its start"

    def kill(self) -> None:
        """As a power cut would."""
        assert self._tell(b"kill") == b"killed\n"

    def end(self) -> None:
        """For good."""
        self._keeper.communicate()

    def _tell(self, order: bytes) -> bytes:
        assert self._keeper.stdin and self._keeper.stdout
        self._keeper.stdin.write(order + b"\n")
        self._keeper.stdin.flush()
        return self._keeper.stdout.readline()

    def events(self, start: int = 0) -> list[dict[str, Any]]:
        """All events but the `start` oldest, the oldest first, without the sandbox's own notes on them."""
        with urlopen(f"{self.url}/_sandbox/events", timeout=30) as answer:
            told = json.load(answer)["data"][start:]
        return [{name: value for name, value in event.items() if name != "deliveries"} for event in told]

    def ask(self, **options: Any) -> stripe.StripeClient:
        """Stripe's own SDK, with a connection of its own."""
        return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": self.url}, **options)


@contextmanager
def own_sandbox(folder: Path) -> Iterator[OwnSandbox]:
    """A sandbox that knows nothing yet, and is gone afterwards."""
    folder.mkdir()
    sandbox = OwnSandbox(folder)
    try:
        yield sandbox
    finally:
        sandbox.end()
