"""`make demo`: one machine, one command. Migrates, seeds, and runs shop, worker and sandbox until told to stop.

The shop and its worker are forks of this process, so that nothing is imported twice; the sandbox is a program of its own.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from flask import Flask

from config import DEMO_WEBHOOK_SECRET, SettingError, demo_port, load
from store import create_app
from store.customers.second_factor import address_of
from store.db import db
from store.demo.seed import PASSWORD, SECOND_FACTOR, SPECTATEUR, SPECTATRICE, STAFF, seed
from store.gateways import stripe_sandbox
from store.gateways.child_process import die_with_parent
from store.gateways.stripe_gateway import REAL_API
from store.jobs.work import work
from store.migrate import upgrade
from store.signals import told_to_stop

MOMENT_S = 0.2
LONGEST_START_S = 60
LONGEST_FAREWELL_S = 10


def main() -> None:
    """Serve the demo; exits when SIGINT or SIGTERM comes, or when one of its processes ends by itself."""
    try:
        settings, port = load({**os.environ, "SHOP_MODE": "demo"}), demo_port(os.environ)
    except SettingError as error:
        raise SystemExit(str(error)) from None
    told = told_to_stop(signal.SIGINT, signal.SIGTERM)
    stopping = False
    children = Children()
    try:
        _start(settings, port, children)
        while not (stopping := told(MOMENT_S)) and children.all_live():
            pass
    finally:
        children.end()
    if not (stopping or told(0)):  # a signal to the whole group may end a child before it is seen here
        raise SystemExit("One of the demo's processes ended by itself; its last lines are above.")


class Children:
    """The processes that this one started and will end."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def spawn(self, command: list[str], folder: Path) -> None:
        """Start a program in a folder."""
        self._pids.add(subprocess.Popen(command, cwd=folder, preexec_fn=die_with_parent).pid)  # noqa: S603  # a list of ours, without a shell

    def fork(self, task: Callable[[], None]) -> None:
        """Run a function in a copy of this process."""
        pid = os.fork()
        if pid:
            self._pids.add(pid)
            return
        die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            task()
        finally:
            os._exit(0)

    def all_live(self) -> bool:
        """Whether every one still runs."""
        count = len(self._pids)
        self._reap()
        return len(self._pids) == count

    def end(self) -> None:
        """Ask all to end, then insist."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + LONGEST_FAREWELL_S
        while self._pids and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)
        self._signal(signal.SIGKILL)
        while self._pids:
            self._reap()

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            os.kill(pid, number)

    def _reap(self) -> None:
        self._pids = {pid for pid in self._pids if os.waitpid(pid, os.WNOHANG) == (0, 0)}


def _start(settings: Mapping[str, Any], port: int, children: Children) -> None:
    if settings["STRIPE_API_BASE"] != REAL_API:
        children.spawn(_sandbox_command(settings), Path(stripe_sandbox.__file__).parent.parent)
    app = create_app(settings)
    with app.app_context():
        _say("database")
        upgrade()
        _say("films, collections, accounts")
        seed()
        db.engine.dispose()
    children.fork(lambda: _serve(app, port))
    children.fork(lambda: _work(app))
    _say("shop and worker")
    address = settings["SHOP_URL"]
    _wait_until_healthy(f"{address}/sante", children)
    _greet(address)


def _sandbox_command(settings: Mapping[str, Any]) -> list[str]:
    instance = Path(settings["INSTANCE_PATH"])
    instance.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable,
        "-m",
        "stripe_sandbox",  # started beside its package: it needs nothing of the shop, and starts the faster
        "--port",
        settings["STRIPE_API_BASE"].rsplit(":", 1)[1],
        "--data",
        str(instance / "sandbox.sqlite"),
        "--webhook-url",
        f"{settings['SHOP_URL']}/stripe/webhook",
        "--webhook-secret",
        DEMO_WEBHOOK_SECRET,
    ]


def _serve(app: Flask, port: int) -> None:
    from waitress import serve

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    serve(app, host="127.0.0.1", port=port, threads=12, ident=None, _quiet=True)


def _work(app: Flask) -> None:
    told = told_to_stop(signal.SIGTERM)
    os.nice(5)
    work(app, told)


def _wait_until_healthy(address: str, children: Children) -> None:
    deadline = time.monotonic() + LONGEST_START_S
    while time.monotonic() < deadline and children.all_live():
        try:
            with urlopen(address, timeout=2) as answer:  # noqa: S310  # the demo's own address, from its settings
                if answer.status == 200:
                    return
        except (HTTPError, URLError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"{address} did not come up within {LONGEST_START_S} s; the lines above say why.")


def _say(what: str) -> None:
    print(f"  … {what}", flush=True)


def _greet(address: str) -> None:
    port = address.rpartition(":")[2]
    print(
        f"""
  CinéMutins is open:  {address}

  {SPECTATRICE.email}   credit 21.00
  {SPECTATEUR.email}    credit 2.10
  {STAFF.email}        staff
  password of all three: {PASSWORD}

  The staff's desk also asks for a code: let an app take {SECOND_FACTOR}, or
  {address_of(SECOND_FACTOR, STAFF.email, "CinéMutins")}
  Passkeys want a name for the shop: SHOP_URL=http://localhost:{port} make demo

  Test cards: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.
  Letters lie in the instance folder, under mail/. Ctrl-C ends everything.
""",
        flush=True,
    )


if __name__ == "__main__":
    main()
