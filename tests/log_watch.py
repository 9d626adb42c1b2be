"""After the whole suite: no line that the shop logged in any test holds a secret or somebody's address.

The patterns are written anew, not those with which `store/logs.py` masks: what it forgets shows here.
"""

import re
from collections.abc import Iterator

import pytest

SECRETS = {
    "a key of Stripe's": re.compile(r"\b[sr]k_(?:live|test)_\w+|\bwhsec_\w+"),
    "a card's code": re.compile(r"\b[0-9A-HJKMNP-TV-Z]{5}(?:[- ][0-9A-HJKMNP-TV-Z]{5}){3}\b"),
    "an address": re.compile(r"[^\s@'\"<>()=,;:]+@[\w-]+\.\w{2,}"),
    "a password": re.compile(r"un-bon-mot-de-passe|demo-demo-demo|\$argon2"),
    "a cookie or a form token": re.compile(r"[\w-]+\.[\w-]{6}\.[\w-]{27}\b|(?:session|csrf_token)=[\w.-]{20,}"),
    "a film's token": re.compile(r"/media/\d+\.[\w.-]+-[\w-]{22}/"),
    "a link that opens an account": re.compile(r"/(?:mot-de-passe|confirmer)/[\w.-]{16,}"),
}
LOGGED = re.compile(r"\blevel='\w+'|\"level\": ?\"\w+\"|^\d{4}-\d\d-\d\d [\d:,]+ (?:WARNING|ERROR|CRITICAL) ")
"""What tells a line of the log from other things on standard error: structlog's, as words or as JSON, and the library's."""

_found: list[str] = []


def secrets_in(output: str) -> Iterator[str]:
    """What the log lines in this output should not hold."""
    for line in filter(LOGGED.search, output.splitlines()):
        yield from (f"{what}: {found[0]}" for what, pattern in SECRETS.items() if (found := pattern.search(line)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Look at what each test left on standard error; with several test processes their first hears of all."""
    _found.extend(f"{report.nodeid} ({report.when}) logged {secret}" for secret in secrets_in(report.capstderr))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Secrets in the log fail the run."""
    if _found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which, and where."""
    for line in dict.fromkeys(_found):
        terminalreporter.write_line(f"SECRET IN THE LOG: {line}", red=True)
