"""One mutant's trial: the tests of its file, the fast ones first. A mutant that passes them all survives."""

import os
import signal
import sys
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from poodle.data_types import Mutant, MutantTrialResult

LEDGER = [f"tests/ledger/test_{what}.py" for what in ("entries", "keys", "wallets", "post")]

TESTS = {
    Path("store/prepaid_cards/codes.py"): [["tests/prepaid_cards/test_codes.py"]],
    Path("store/ledger/post.py"): [
        [*LEDGER, "-k", "not postgresql"],
        [*LEDGER, "tests/ledger/test_races.py", "-k", "postgresql"],
    ],
}
"""The files that are mutated, and the runs of tests that each must pass: PostgreSQL sees what SQLite lets through."""

OPTIONS = ["-x", "-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0"]

OURS = ("config", "store", "tests")
"""Of these packages each mutant has its own copy."""

for library in ("alembic", "flask_babel", "flask_limiter", "hypothesis", "psycopg", "sqlalchemy.orm", "stripe"):
    import_module(library)  # here, once for all trials that are forked from this process: it halves their time


def try_mutant(run_folder: Path, mutant: Mutant, timeout: float | None, **_: Any) -> MutantTrialResult:
    """Run the tests in a copy of the shop that holds the mutant; without one, all of them. Endless ones count as failed."""
    for run in (run for file, runs in TESTS.items() if mutant.source_file in (None, file) for run in runs):
        process = get_context("fork").Process(target=_test, args=(run_folder, run))
        process.start()
        process.join(timeout)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
            return MutantTrialResult(found=True, reason_code=MutantTrialResult.RC_TIMEOUT)
        if process.exitcode:
            return MutantTrialResult(found=True, reason_code=MutantTrialResult.RC_FOUND)
    return MutantTrialResult(found=False, reason_code=MutantTrialResult.RC_NOT_FOUND)


def _test(run_folder: Path, run: list[str]) -> None:
    """Be a process group of its own, which can be ended with all that it started, and leave with pytest's exit code."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.chdir(run_folder)
    sys.path.insert(0, str(Path.cwd()))
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]
    sys.exit(pytest.main([*OPTIONS, *run]))
