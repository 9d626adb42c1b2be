"""Every setting of the shop: its name in the environment, its default, what it may hold.

`load()` turns the environment into Flask's configuration and refuses what is missing or malformed with one line that names
the setting. Production accepts nothing that belongs to a demo.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent

MODES = ("production", "demo", "test")
DEMO_SECRET = "demo-secret-for-loopback-only-never-for-production"  # noqa: S105  # public on purpose: production refuses it
DEMO_STRIPE_KEY = "sk_test_sandbox"
DEMO_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105  # public on purpose: production refuses it
SHORTEST_SECRET = 32

REDIS_PATIENCE = {"socket_connect_timeout": 1, "socket_timeout": 1}  # seconds

HOST = r"([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?"
MEDIA_URL = r"(?!\w+:).+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*/?"
MAIL_URL = rf"file:.+|smtps?://([^\s/@]+@)?{HOST}"
MAIL_FROM = r"[^\s<>@]+@[^\s<>@]+|[^<>@\r\n]+ <[^\s<>@]+@[^\s<>@]+>"


class SettingError(Exception):
    """A setting is missing or malformed; the message names it in one line."""


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """Flask's configuration from the environment; raises SettingError."""
    mode = environ.get("SHOP_MODE", "").strip() or "production"
    if mode not in MODES:
        raise SettingError(f"SHOP_MODE: {mode!r} is none of {', '.join(MODES)}")
    given = {name: value for name, value in environ.items() if value.strip()}
    read = _Environment(given if mode == "production" else _demo_defaults(given) | given)
    settings = (
        _shop(read, mode)
        | _storage(read)
        | _secrets(read)
        | _stripe(read)
        | _mail(read)
        | _rentals(read)
        | _logs(read, mode)
        | _checks(read)
    )
    if mode == "production":
        _refuse_demo_values(settings)
    return settings | _derived(settings)


class _Environment:
    """Reads single settings, each kind with its own complaint; what might be a secret is not repeated in it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str:
        value = self.optional(name) or default
        if value is None:
            raise SettingError(f"{name}: missing; it has no default")
        return value

    def optional(self, name: str) -> str | None:
        return self._values.get(name, "").strip() or None

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            raise SettingError(f"{name}: {text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    def matching(self, name: str, pattern: str, what: str, default: str | None = None) -> str:
        text = self.text(name, default)
        if not re.fullmatch(pattern, text):
            raise SettingError(f"{name}: this is not {what}")
        return text

    def words(self, name: str) -> list[str]:
        words = [word for word in re.split(r"[,\s]+", self.text(name)) if word]
        if not words:
            raise SettingError(f"{name}: missing; it has no default")
        return words


def demo_port(environ: Mapping[str, str]) -> int:
    """Where the demo listens; raises SettingError."""
    return _Environment(environ).number("PORT", 8000, 1, 65535)


def _demo_defaults(environ: Mapping[str, str]) -> dict[str, str]:
    read = _Environment(environ)
    port = demo_port(environ)
    sandbox_port = read.number("SANDBOX_PORT", 12111, 1, 65535)
    defaults = {
        "SHOP_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": DEMO_SECRET,
        "CODE_KEYS": f"1:{DEMO_SECRET}",
        "MEDIA_TOKEN_KEYS": f"1:{DEMO_SECRET}",
        "SHOP_PUBLISHER": "Démonstration : aucune vente réelle n’a lieu ici. (A demonstration: nothing is really sold here.)",
        "MAIL_FROM": "CinéMutins <boutique@example.org>",
    }
    if "STRIPE_SECRET_KEY" not in environ:
        defaults |= {
            "STRIPE_SECRET_KEY": DEMO_STRIPE_KEY,
            "STRIPE_WEBHOOK_SECRETS": DEMO_WEBHOOK_SECRET,
            "STRIPE_API_BASE": f"http://127.0.0.1:{sandbox_port}",
        }
    return defaults


def _shop(read: _Environment, mode: str) -> dict[str, Any]:
    """CARD_VAT_MODE is what cards issued from now on are: `multi`, taxed when used, or `single`, taxed when sold.

    FILM_TAX_PERCENT, of a film's price without VAT, is the French tax on video on demand (TSV: CGI, art. 1609 sexdecies B,
    since 2024 in the code of taxes on goods and services); FILMMAKERS_PERCENT is the film-makers' share of what is left then.
    SHOP_HOSTING, who hosts the site, with address and telephone, and SHOP_MEDIATOR, the consumers' mediator with its address, stand
    in the legal notice and the terms (LCEN, art. 1-1; code de la consommation, art. L. 616-1); without them these say it in general.
    """
    return {
        "SHOP_MODE": mode,
        "SHOP_URL": _origin(read.matching("SHOP_URL", f"https?://{HOST}", "an address such as https://shop.example")),
        "SHOP_NAME": read.text("SHOP_NAME", "CinéMutins"),
        "SHOP_CURRENCY": read.matching("SHOP_CURRENCY", "[A-Z]{3}", "a currency code such as EUR", "EUR"),
        "SHOP_COUNTRY": read.matching("SHOP_COUNTRY", "[A-Z]{2}", "a country code such as FR", "FR"),
        "SHOP_TIMEZONE": _time_zone(read.text("SHOP_TIMEZONE", "Europe/Paris")),
        "SHOP_VAT_PERCENT": _percent("SHOP_VAT_PERCENT", read.text("SHOP_VAT_PERCENT", "20")),
        "SHOP_PUBLISHER": read.text("SHOP_PUBLISHER"),
        "SHOP_HOSTING": read.optional("SHOP_HOSTING"),
        "SHOP_MEDIATOR": read.optional("SHOP_MEDIATOR"),
        "CARD_VAT_MODE": read.matching("CARD_VAT_MODE", "multi|single", "multi or single", "multi"),
        "FILM_TAX_PERCENT": _percent("FILM_TAX_PERCENT", read.text("FILM_TAX_PERCENT", "5.15")),
        "FILMMAKERS_PERCENT": _percent("FILMMAKERS_PERCENT", read.text("FILMMAKERS_PERCENT", "50")),
    }


def _storage(read: _Environment) -> dict[str, Any]:
    """Where things lie. INSTANCE_PATH holds the database, media and mail of a shop on one machine.

    MEDIA_URL is a folder, or `s3://bucket/prefix` for a storage that speaks S3 (`_bucket`). MEDIA_SENDER says who sends the
    bytes of films: `app` is for one machine with few viewers, `nginx` for all others (`docs/edge.md`).

    ENCODES_AT_ONCE is how many films may be encoded at the same time on this machine, by workers and commands together; ENCODE_CHUNK_S
    is how many seconds of a film an encode that is killed may lose.
    """
    instance = Path(read.text("INSTANCE_PATH", str(ROOT / "instance"))).resolve()
    database_url = _database_url("DATABASE_URL", read.text("DATABASE_URL", f"sqlite:///{instance / 'shop.sqlite'}"))
    migration_url = read.text("MIGRATION_DATABASE_URL", database_url)
    media_url = read.matching("MEDIA_URL", MEDIA_URL, "a folder or s3://bucket/prefix", str(instance / "media"))
    return {
        "INSTANCE_PATH": str(instance),
        "DATABASE_URL": database_url,
        "MIGRATION_DATABASE_URL": _database_url("MIGRATION_DATABASE_URL", migration_url),
        "REDIS_URL": _redis_url(read),
        "ENCODES_AT_ONCE": read.number("ENCODES_AT_ONCE", 1, 1, 64),
        "ENCODE_CHUNK_S": read.number("ENCODE_CHUNK_S", 120, 4, 3600),
        "MEDIA_URL": media_url,
        "MEDIA_BUCKET": _bucket(read, media_url) if media_url.startswith("s3://") else None,
        "MEDIA_SENDER": read.matching("MEDIA_SENDER", "app|nginx", "app or nginx", "app"),
    }


def _bucket(read: _Environment, media_url: str) -> dict[str, Any]:
    """Where films lie in a bucket, and what opens it. S3_ENDPOINT_URL is the storage's; without it, it is AWS."""
    name, _, prefix = media_url.removeprefix("s3://").strip("/").partition("/")
    endpoint = read.optional("S3_ENDPOINT_URL")
    return {
        "name": name,
        "prefix": f"{prefix}/" if prefix else "",
        "endpoint": endpoint and read.matching("S3_ENDPOINT_URL", f"https?://{HOST}/?", "an address"),
        "region": read.matching("S3_REGION", "[a-z0-9-]+", "the name of a region", "us-east-1"),
        "key_id": read.text("S3_ACCESS_KEY_ID"),
        "secret": read.text("S3_SECRET_ACCESS_KEY"),
    }


def _secrets(read: _Environment) -> dict[str, Any]:
    """CODE_KEYS and MEDIA_TOKEN_KEYS are `version:secret`, several separated by commas; the first one is in use."""
    secret = read.text("SECRET_KEY")
    if len(secret) < SHORTEST_SECRET:
        raise SettingError(f"SECRET_KEY: shorter than {SHORTEST_SECRET} characters")
    return {
        "SECRET_KEY": secret,
        "CODE_KEYS": _keys("CODE_KEYS", read.words("CODE_KEYS")),
        "MEDIA_TOKEN_KEYS": _keys("MEDIA_TOKEN_KEYS", read.words("MEDIA_TOKEN_KEYS")),
        "METRICS_TOKEN": read.optional("METRICS_TOKEN"),
    }


def _stripe(read: _Environment) -> dict[str, Any]:
    """STRIPE_WEBHOOK_SECRETS takes several, separated by commas, so that they can be rotated."""
    return {
        "STRIPE_SECRET_KEY": read.matching("STRIPE_SECRET_KEY", r"[sr]k_(test|live)_\w+", "a secret key of Stripe's"),
        "STRIPE_WEBHOOK_SECRETS": _webhook_secrets(read.words("STRIPE_WEBHOOK_SECRETS")),
        "STRIPE_API_BASE": read.matching("STRIPE_API_BASE", f"https?://{HOST}", "an address", "https://api.stripe.com"),
    }


def _mail(read: _Environment) -> dict[str, Any]:
    """MAIL_URL is `file:FOLDER` or `smtp[s]://user:password@host:port`; the default is a folder of the instance."""
    default = f"file:{Path(read.text('INSTANCE_PATH', str(ROOT / 'instance'))).resolve() / 'mail'}"
    return {
        "MAIL_URL": read.matching("MAIL_URL", MAIL_URL, "file:FOLDER or smtp://host:port", default),
        "MAIL_FROM": read.matching("MAIL_FROM", MAIL_FROM, "an address such as Shop <shop@shop.example>"),
    }


def _rentals(read: _Environment) -> dict[str, Any]:
    return {
        "RENTAL_START_DAYS": read.number("RENTAL_START_DAYS", 30, 1, 3650),
        "RENTAL_PLAY_HOURS": read.number("RENTAL_PLAY_HOURS", 72, 1, 8760),
        "STREAMS_PER_CUSTOMER": read.number("STREAMS_PER_CUSTOMER", 2, 1, 100),
        "COUNTRY_HEADER": read.matching("COUNTRY_HEADER", r"[A-Za-z0-9-]*", "the name of a header", "") or None,
        "PROXY_HOPS": read.number("PROXY_HOPS", 0, 0, 10),
    }


def _logs(read: _Environment, mode: str) -> dict[str, Any]:
    """LOG_FORMAT is `json`, a line for each request and job too, or `text`, what is wrong alone."""
    usual = "json" if mode == "production" else "text"
    return {"LOG_FORMAT": read.matching("LOG_FORMAT", "json|text", "json or text", usual)}


def _checks(read: _Environment) -> dict[str, Any]:
    return {
        "SHOP_STOP_AT": read.optional("SHOP_STOP_AT"),
        "SHOP_CLOCK_OFFSET_S": read.number("SHOP_CLOCK_OFFSET_S", 0, -(10**10), 10**10),
        "DEBUG": read.text("FLASK_DEBUG", "0").lower() not in {"0", "false", "no"},
    }


def _derived(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What Flask and its extensions are told, which follows from the settings above."""
    shop = urlsplit(settings["SHOP_URL"])
    https = shop.scheme == "https"
    return {
        "TESTING": settings["SHOP_MODE"] == "test",
        "TRUSTED_HOSTS": [shop.hostname],
        "PREFERRED_URL_SCHEME": shop.scheme,
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 200,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # `web/csrf.py` checks Origin and Sec-Fetch-Site instead
        "BABEL_DEFAULT_LOCALE": "fr",
        "BABEL_DEFAULT_TIMEZONE": settings["SHOP_TIMEZONE"],
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "store" / "translations"),
        "RATELIMIT_STORAGE_URI": settings["REDIS_URL"] or "memory://",
        "RATELIMIT_STORAGE_OPTIONS": REDIS_PATIENCE if settings["REDIS_URL"] else {},
    }


def _refuse_demo_values(settings: Mapping[str, Any]) -> None:
    demo_values = {
        "SECRET_KEY": DEMO_SECRET in settings["SECRET_KEY"],
        "CODE_KEYS": any(DEMO_SECRET in secret for _, secret in settings["CODE_KEYS"]),
        "MEDIA_TOKEN_KEYS": any(DEMO_SECRET in secret for _, secret in settings["MEDIA_TOKEN_KEYS"]),
        "STRIPE_SECRET_KEY": "_test_" in settings["STRIPE_SECRET_KEY"],
        "STRIPE_WEBHOOK_SECRETS": DEMO_WEBHOOK_SECRET in settings["STRIPE_WEBHOOK_SECRETS"],
        "STRIPE_API_BASE": settings["STRIPE_API_BASE"] != "https://api.stripe.com",
        "SHOP_STOP_AT": settings["SHOP_STOP_AT"] is not None,
        "SHOP_CLOCK_OFFSET_S": settings["SHOP_CLOCK_OFFSET_S"] != 0,
        "FLASK_DEBUG": settings["DEBUG"],
        "SHOP_URL": not settings["SHOP_URL"].startswith("https://"),
    }
    for name, belongs_to_a_demo in demo_values.items():
        if belongs_to_a_demo:
            raise SettingError(f"{name}: production refuses this value, it belongs to a demo or a check")


def _origin(url: str) -> str:
    """The address as browsers write it in `Origin`: lower case, without the port that goes without saying."""
    return url.lower().removesuffix(":443" if url.lower().startswith("https:") else ":80")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError(f"SHOP_TIMEZONE: {name!r} is not a time zone such as Europe/Paris") from None
    return name


def _percent(name: str, text: str) -> Decimal:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        raise SettingError(f"{name}: {text!r} is not a percentage such as 20 or 5.5") from None
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise SettingError(f"{name}: {text!r} is not between 0 and 100")
    return percent


def _database_url(name: str, url: str) -> str:
    """PostgreSQL's usual address becomes the one of the driver in use."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        parts = None
    if (
        not parts
        or parts.drivername not in {"sqlite", "postgresql+psycopg"}
        or parts.database in {None, "", ":memory:"}
    ):
        raise SettingError(f"{name}: neither sqlite:///FILE nor postgresql://USER@HOST/DATABASE")
    return url


def _redis_url(read: _Environment) -> str | None:
    if read.optional("REDIS_URL") is None:
        return None
    return read.matching(
        "REDIS_URL", rf"rediss?://([^\s/@]*@)?{HOST}(/[0-9]+)?", "an address such as redis://host:6379"
    )


def _webhook_secrets(secrets: list[str]) -> list[str]:
    if not all(re.fullmatch(r"whsec_\S+", secret) for secret in secrets):
        raise SettingError("STRIPE_WEBHOOK_SECRETS: each one begins with whsec_")
    return secrets


def _keys(name: str, words: list[str]) -> list[tuple[int, str]]:
    keys = []
    for word in words:
        version, colon, secret = word.partition(":")
        if not colon or not re.fullmatch("[0-9]{1,9}", version) or len(secret) < SHORTEST_SECRET:
            raise SettingError(f"{name}: each key is version:secret, the secret {SHORTEST_SECRET} characters or more")
        keys.append((int(version), secret))
    if len(dict(keys)) < len(keys):
        raise SettingError(f"{name}: two keys have one version")
    return keys
