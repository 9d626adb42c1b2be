"""`docs/security.md` keeps its word: each test that it names is there, no requirement is missing, the score is what it says."""

import ast
import re
from functools import cache

from config import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
REQUIREMENTS = set(
    re.findall(
        r"\S+",
        """1.2.1 1.2.4 1.2.5 1.2.10 1.3.6 1.3.11 2.2.2 2.3.1 2.3.2 2.3.3 2.3.4 2.4.1 3.2.1 3.3.1 3.3.2 3.3.4 3.4.1 3.4.3 3.4.4 3.4.6
    3.5.1 3.5.3 3.7.2 4.1.3 5.2.1 5.2.2 5.2.6 5.3.2 5.4.2 6.2.1 6.2.3 6.2.4 6.3.1 6.3.2 6.3.3 6.3.8 6.4.1 6.4.3 7.2.3 7.2.4 7.4.1
    7.4.2 7.4.3 7.5.1 8.2.1 8.2.2 8.3.1 9.1.1 9.2.1 9.2.2 11.4.2 11.5.1 13.3.1 13.4.2 14.2.1 14.3.2 15.2.1 15.3.3 15.3.4 15.4.2
    16.2.5 16.3.1 16.5.1 16.5.3""",
    )
)
"""Of ASVS 5.0, those that were agreed upon."""

ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| (yes|no|to come) \| ([^|]*) ?\|$", re.MULTILINE)
SCORE = re.compile(r"^(\d+) of (\d+) met, (\d+) not, (\d+) to come\.$", re.MULTILINE)


@cache
def functions_of(file: str) -> set[str]:
    """What a file defines."""
    path = ROOT / file
    if not path.is_file():
        return set()
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 150
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []


def test_every_requirement_has_its_line_and_every_line_its_test_or_its_reason() -> None:
    rows = ROW.findall(PAGE)
    assert sorted(number for number, *_ in rows) == sorted(REQUIREMENTS)
    assert [number for number, _, met, shown in rows if met == "yes" and "`tests/" not in shown] == []
    assert [number for number, _, met, shown in rows if met == "no" and len(shown) < 60] == []


def test_every_attack_names_a_test() -> None:
    attacks = PAGE.partition("## Attacks")[2].partition("\n## ")[0]
    rows = [line for line in attacks.splitlines() if line.startswith("| ") and not line.startswith("| attack |")]
    assert len(rows) >= 21
    assert [row for row in rows if "`tests/" not in row] == []


def test_the_score_is_what_the_lines_say() -> None:
    answers = [met for _, _, met, _ in ROW.findall(PAGE)]
    found = SCORE.search(PAGE)
    assert found
    counted = (answers.count("yes"), len(answers), answers.count("no"), answers.count("to come"))
    assert tuple(map(int, found.groups())) == counted
