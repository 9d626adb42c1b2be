"""Path tokens: the right to fetch one version of one film for one lease until an instant, carried in the address itself.

`/media/<exp>.<lease>.<hmac(exp, lease, film, recipe)>/<film>/<recipe>/…` keeps the relative addresses in playlists valid,
and whoever knows the keys can check it without the database.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(seconds=120)
"""For players that swap the token; how long a film can outlast its revocation, besides what the player has buffered."""

SESSION_LIFETIME = timedelta(hours=6)
"""For players that cannot swap it. The lease of a token that is good for longer than LIFETIME is checked at each request."""

Keys = Sequence[tuple[int, str]]
"""(version, secret): the first signs, all of them verify, so that a key can be replaced while films play."""

_SHAPE = re.compile(r"([0-9]{1,11})\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})")


class Invalid(Exception):
    """Not a token of ours, or one for another film or another version of it."""


class Expired(Exception):
    """A token of ours whose time is over."""


@dataclass(frozen=True)
class Token:
    """What a valid token says."""

    lease_id: str
    expires_at: datetime

    def outlives_checks(self, at: datetime) -> bool:
        """Whether it is good for so long that its lease must be looked up."""
        return self.expires_at - at > LIFETIME


def make_token(keys: Keys, lease_id: str, film: str, recipe: str, at: datetime, lifetime: timedelta = LIFETIME) -> str:
    """A token for this lease and this version of this film, good for `lifetime` from `at`."""
    expires = str(int((at + lifetime).timestamp()))
    return f"{expires}.{lease_id}.{_signature(keys[0], expires, lease_id, film, recipe)}"


def check_token(keys: Keys, token: str, film: str, recipe: str, at: datetime) -> Token:
    """What the token says; raises Invalid before Expired, so that only who held a true one learns that it is over."""
    parts = _SHAPE.fullmatch(token)
    if parts is None:
        raise Invalid(token)
    expires, lease_id, signature = parts.groups()
    if not any([hmac.compare_digest(signature, _signature(key, expires, lease_id, film, recipe)) for key in keys]):
        raise Invalid(token)
    expires_at = datetime.fromtimestamp(int(expires), UTC)
    if expires_at <= at:
        raise Expired(token)
    return Token(lease_id, expires_at)


def _signature(key: tuple[int, str], *signed: str) -> str:
    """Base64url of the HMAC-SHA-256 over the parts, a line each: none of them can hold a line break."""
    digest = hmac.new(key[1].encode(), "\n".join(signed).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
