"""Whole databases out and in: PostgreSQL's by its own programs, SQLite's by its online backup."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from store.gateways.child_process import die_with_parent

COMPRESSION = "1"
LAST_WORDS = 3


class CopyFailed(Exception):
    """The database could not be copied; the message says why in one line."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while others write to it (sqlite.org/backup.html)."""
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)  # in one step: with smaller ones it would begin again at every write


def dump_postgresql(url: str, snapshot: str, target: Path) -> None:
    """Have pg_dump write what a transaction sees that exported this snapshot, in its custom format."""
    _run("pg_dump", url, f"--snapshot={snapshot}", f"--file={target}", "--format=custom", f"--compress={COMPRESSION}")


def load_postgresql(url: str, source: Path) -> None:
    """Have pg_restore read such a file into an empty schema, whole or not at all; everything belongs to the address's user."""
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", str(source))


def _run(program: str, url: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise CopyFailed(
            f"{program} is not to be found: install PostgreSQL's client programs (Debian: postgresql-client)"
        )
    address = make_url(url)
    where = address.set(drivername="postgresql", password=None).render_as_string()
    password = {"PGPASSWORD": str(address.password)} if address.password else {}  # arguments can be read by others
    done = subprocess.run(  # noqa: S603  # a program of PostgreSQL and the settings' own address, without a shell
        [path, f"--dbname={where}", "--no-owner", "--no-privileges", *arguments],
        env=os.environ | password,
        preexec_fn=die_with_parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise CopyFailed(f"{program}: {' '.join(words[-LAST_WORDS:])[:500]}")
