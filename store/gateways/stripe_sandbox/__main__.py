"""`python -m store.gateways.stripe_sandbox`: the sandbox as a process of its own, on 127.0.0.1 alone."""

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from waitress import create_server

from . import plans
from .app import create_app
from .events import Courier
from .state import State

LOOK_EVERY_S = 0.5

log = logging.getLogger(__name__)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    options = read_options()
    options.data.parent.mkdir(parents=True, exist_ok=True)
    state = State(options.data)
    courier = Courier(state, options.webhook_url, options.webhook_secret)
    try:
        server = create_server(create_app(state, courier), host="127.0.0.1", port=options.port, threads=16)
    except OSError as problem:
        sys.exit(f"Port {options.port} cannot be had: {problem.strerror}")
    threading.Thread(target=work, args=(state, courier), daemon=True).start()
    print(f"Stripe sandbox on http://127.0.0.1:{options.port}, control page /_sandbox/", flush=True)
    server.run()


def work(state: State, courier: Courier) -> None:
    """What happens between requests, for ever: what is due, and the delivery of events."""
    while True:
        try:
            with state.transaction():
                plans.run_due(state)
            if courier.deliver_due():  # there may be more
                continue
        except sqlite3.OperationalError:
            log.exception("The sandbox's database did not answer; it will be asked again.")
        state.news.wait(LOOK_EVERY_S)
        state.news.clear()


def read_options() -> argparse.Namespace:
    """The command line, refused where it could do harm; no option names another address to listen on."""
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description="A look-alike of Stripe, on loopback.")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file that keeps its state")
    parser.add_argument("--webhook-url", required=True, help="where the shop takes events: http, on loopback")
    parser.add_argument("--webhook-secret", required=True, help="whsec_…")
    options = parser.parse_args()
    webhook = urlsplit(options.webhook_url)
    if webhook.scheme != "http" or webhook.hostname not in ("127.0.0.1", "localhost"):
        parser.error("--webhook-url must be an http address on 127.0.0.1")
    if not options.webhook_secret.startswith("whsec_"):
        parser.error("--webhook-secret must begin with whsec_")
    if os.environ.get("STRIPE_SECRET_KEY", "").startswith(("sk_live_", "rk_live_")):
        parser.error("STRIPE_SECRET_KEY is a live key: the sandbox does not start beside it")
    return options


if __name__ == "__main__":
    main()
