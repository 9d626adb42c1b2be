"""Structured logs on standard error, without secrets: what no line may hold is taken out of all that it says.

LOG_FORMAT chooses: `json` is a line of JSON for everything, requests and jobs included; `text` is for people who watch, and
says only what is wrong.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import structlog

doing: ContextVar[Mapping[str, Any]] = ContextVar("doing", default=MappingProxyType({}))
"""What this thread does just now, the request or the job: every line says it."""

SECRETS = re.compile(
    r"""
      \b(?:sk|rk|whsec|cs)_\w+                                 # Stripe's keys, webhook secrets and Sessions
    | (?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+                     # e-mail addresses
    | (?<=/mot-de-passe/)[^\s/?'"]+ | (?<=/confirmer/)[^\s/?'"]+  # links that open an account
    | (?<=/rappels/)[^\s/?'"]+                                # links that end reminders
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


class MaskingJson(Masking):
    """The same, each line an object as structlog's are."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        said = {"event": super().format(record), "logger": record.name, "level": record.levelname.lower()}
        return json.dumps({**said, "timestamp": at}, ensure_ascii=False)


def init_logs(form: str = "text") -> None:
    """Send structlog's lines and the standard library's warnings to standard error; a server that logs already goes on.

    Of `text`, what merely happened is left out: a line for each request helps nobody who looks at a terminal.
    """
    structlog.configure(
        processors=[
            _say_what_for,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_as_json] if form == "json" else [_as_words, _mask_rendered]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if form == "json" else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingJson() if form == "json" else Masking("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler])


def mask(line: str) -> str:
    """The line without secrets."""
    return SECRETS.sub("[…]", line)


def _say_what_for(_logger: Any, _method: str, said: Any) -> Any:
    return {**said, **doing.get()}


_as_words = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])


def _mask_rendered(_logger: Any, _method: str, line: Any) -> str:
    return mask(line)


def _as_json(_logger: Any, _method: str, said: Any) -> str:
    """Masked before it is rendered: a secret that ends with its line must not take the closing brace with it."""
    in_order = {name: said[name] for name in ("timestamp", "level", "event") if name in said}
    return json.dumps(_masked(in_order | said), ensure_ascii=False)


def _masked(said: Any) -> Any:
    if said is None or isinstance(said, bool | int | float):
        return said
    if isinstance(said, dict):
        return {str(name): _masked(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_masked(value) for value in said]
    return mask(said if isinstance(said, str) else repr(said))
