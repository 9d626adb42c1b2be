"""The security scan: what it reads is clean, each of its rules bites, and nothing is let through without a reason.

ruff's security rules read Python for what is dangerous anywhere; these read Python, scripts and templates for what is
dangerous in this shop.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT

SCAN = Path(sys.executable).with_name("ast-grep")
RULES = ["--config", "tests/scan/sgconfig.yml"]
READ = ["store", "config.py", "wsgi.py", "templates", "static/js", "deploy"]

IGNORES = re.compile(r"(?:#|//)\s*(?:noqa|nosec|type:\s*ignore|ast-grep-ignore|pragma:|mypy:|fmt:\s*off)[^#/]*")
"""The words with which a line is excused from a rule, up to its reason."""

REASON = re.compile(r"\s*(?:#|//)\s*\S+ \S+")


def scan(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCAN, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_scan_finds_nothing() -> None:
    done = scan("scan", *RULES, "--error=unused-suppression", *READ)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_bites() -> None:
    done = scan("test", *RULES, "--skip-snapshot-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    rules, bites = (
        set(
            re.findall(
                r"^id: (\S+)", "".join(file.read_text() for file in (ROOT / "tests/scan" / folder).glob("*.yml")), re.M
            )
        )
        for folder in ("rules", "bites")
    )
    assert rules == bites


@pytest.mark.parametrize("file", ["store/web/x.py", "static/js/x.js", "templates/x.html"])
def test_what_is_read_is_read_whole(tmp_path: Path, file: str) -> None:
    """A file in a folder of these kinds is scanned: the rules match it by its name."""
    shutil.copytree(ROOT / "tests/scan", tmp_path / "tests/scan")
    bad = {".py": "import pickle\npickle.loads(x)", ".js": "eval(x)", ".html": "<p>{{ x|safe }}</p>"}
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(bad[path.suffix])
    done = subprocess.run([SCAN, "scan", *RULES, "store", "static/js", "templates"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 1


def excused_without_a_reason(line: str) -> bool:
    """Whether the line is excused from a rule, and nothing beside it says why."""
    found = IGNORES.search(line)
    return bool(found) and not REASON.match(line[found.end() :])


def test_each_ignore_has_its_reason_beside_it() -> None:
    files = [
        path
        for suffix in ("py", "js", "html")
        for folder in ("store", "static/js", "templates", "tests", "bench", "migrations")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    ]
    files += [ROOT / "config.py", ROOT / "wsgi.py"]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if excused_without_a_reason(line)
    ]
    assert found == []
    ignored = re.search(
        r"^\[tool\.ruff\.lint\.per-file-ignores\]\n((?:.+\n)+)", (ROOT / "pyproject.toml").read_text(), re.M
    )
    assert ignored and all(re.search(r"\]  # \S+ \S+", line) for line in ignored[1].splitlines())


@pytest.mark.parametrize(
    ("line", "is_excused_without"),
    [
        ("x = 1  # noqa: S101", True),
        ("x = 1  # noqa: S101  # why not", False),
        ("x = 1  # nosec", True),
        ("x = 1  # type: ignore[arg-type]", True),
        ("x = 1  # type: ignore[arg-type]  # it is one", False),
        ("// ast-grep-ignore: no-page-from-text", True),
        ("// ast-grep-ignore: no-page-from-text  // ours, escaped", False),
        ("x = 1  # a remark", False),
    ],
)
def test_a_missing_reason_is_seen(line: str, is_excused_without: bool) -> None:
    assert excused_without_a_reason(line) == is_excused_without


REAL_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\b[sr]k_live_\w{8,}|\b[sr]k_test_(?!sandbox\b)\w{8,}|\bwhsec_(?!sandbox\b)\w{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b|://[^/\s:@{}$]+:(?!(?i:password)@)[^/\s@{}$]+@"
)
"""Keys and addresses with a password in them; the sandbox's stand for nothing."""

SHIPPED = {
    ".py",
    ".js",
    ".html",
    ".txt",
    ".md",
    ".toml",
    ".conf",
    ".sh",
    ".service",
    ".timer",
    ".env",
    ".example",
    ".yml",
    "",
}


def test_no_secret_lies_in_what_is_shipped() -> None:
    files = [
        path
        for folder in ("store", "deploy", "docs", "templates", "static/js", "migrations")
        for path in (ROOT / folder).rglob("*")
    ]
    files += [path for path in ROOT.iterdir() if path.name not in {"instance", ".git"}]
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in files
        if path.is_file() and path.suffix in SHIPPED and "packaged" not in path.parts
        if (match := REAL_SECRETS.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


@pytest.mark.parametrize("secret", ["sk_live_4eC39HqLyjWD", "whsec_MfKQ9r8GKYq", "postgresql://shop:secret@db/shop"])
def test_a_secret_would_be_seen(secret: str) -> None:
    assert REAL_SECRETS.search(secret)
