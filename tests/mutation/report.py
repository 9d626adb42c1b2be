"""What came out: figures of each file, and every mutant that survived without leave, or has leave that it does not need."""

import ast
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from poodle import PoodleTestingFailedError
from poodle.data_types import Mutant, MutantTrialResult, TestingResults

ACCEPTED = Path(__file__).with_name("accepted.toml")


class Change(NamedTuple):
    """A file and a function (or class) in it, the lines that were mutated and what they became, without their indentation."""

    file: str
    place: str
    was: str
    becomes: str


def report(echo: Callable[..., None], testing_results: TestingResults, **_: Any) -> None:
    """Print it all; raises PoodleTestingFailedError, with which poodle exits with 1."""
    trials = [(change_of(trial.mutant), trial.result) for trial in testing_results.mutant_trials]
    files = {change.file for change, _ in trials}
    accepted = {change for change in accepted_changes() if change.file in files}
    survivors = {change for change, result in trials if not result.found}
    for file in sorted(files):
        echo(_figures(file, [(change in accepted, result) for change, result in trials if change.file == file]))
    for change in sorted(survivors ^ accepted):
        what = "survived" if change in survivors else "accepted, but killed or gone"
        echo(f"\n{what}: {change.file}, {change.place}\n- {change.was}\n+ {change.becomes}", fg="red")
    if survivors ^ accepted:
        raise PoodleTestingFailedError(f"\n{len(survivors ^ accepted)} to look at: docs/mutation.md")


def accepted_changes() -> set[Change]:
    """The mutants that may survive; the file gives each one's reason."""
    return {
        Change(file, place, mutant["was"], becomes)
        for file, mutants in tomllib.loads(ACCEPTED.read_text()).items()
        for mutant in mutants
        for place in mutant.get("in", [""])
        for becomes in mutant["becomes"]
    }


def change_of(mutant: Mutant) -> Change:
    """What the mutant changes, whatever its line's number is."""
    lines = (mutant.unified_diff or "").splitlines()[3:]
    was, becomes = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return Change(str(mutant.source_file), _place_of(mutant), was, becomes)


def _place_of(mutant: Mutant) -> str:
    """The function or class around it; nothing at the top."""
    for node in ast.parse(Path(str(mutant.source_file)).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= mutant.lineno <= (node.end_lineno or 0):
            return node.name
    return ""


def _figures(file: str, outcomes: list[tuple[bool, MutantTrialResult]]) -> str:
    killed = sum(result.found for _, result in outcomes)
    endless = sum(result.reason_code == MutantTrialResult.RC_TIMEOUT for _, result in outcomes)
    accepted = sum(is_accepted and not result.found for is_accepted, result in outcomes)
    return f"{file}: {len(outcomes)} mutants, {killed} killed ({endless} of them endless), {accepted} accepted"
