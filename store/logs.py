"""Structured logs on standard error, without secrets: what no line may hold is taken out of the finished line."""

import logging
import re
import sys
from typing import Any

import structlog

SECRETS = re.compile(
    r"""
      \b(?:sk|rk|whsec|cs)_\w+                                 # Stripe's keys, webhook secrets and Sessions
    | (?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+                     # e-mail addresses
    | (?<=/mot-de-passe/)[^\s/?'"]+ | (?<=/confirmer/)[^\s/?'"]+  # links that open an account
    | \d{1,11}\.[\w-]{1,64}\.\d{1,9}s?-[\w-]{22}(?![\w-])     # media tokens
    | (?<![\w-])[\w-]+\.[\w-]{6}\.[\w-]{27}(?![\w-])           # our cookies and form tokens
    | (?<![\w-])[\w-]{43}(?![\w-])                             # 256 random bits: a session's id
    | \$argon2\S+
    | \[parameters:\ .*                                        # what a failed statement was to write
    """,
    re.VERBOSE,
)


class Masking(logging.Formatter):
    """The standard library's lines, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return mask(super().format(record))


def init_logs() -> None:
    """Send structlog's lines and the standard library's warnings to standard error; a server that logs already goes on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
            _mask_rendered,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(Masking("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler])


def mask(line: str) -> str:
    """The line without secrets."""
    return SECRETS.sub("[…]", line)


def _mask_rendered(_logger: Any, _method: str, line: Any) -> str:
    return mask(line)
