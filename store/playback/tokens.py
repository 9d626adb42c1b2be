"""Path tokens: the right to fetch one version of one film for one lease until an instant, carried in the address itself.

`/media/<expires>.<lease>.<key version>-<signature>/<film>/<recipe>/…` keeps the relative addresses in playlists valid, and
nginx checks it by itself (`deploy/nginx/media.conf`): the signature is what its secure_link module computes. A token for a
whole session has an `s` after the version, which is signed too; nginx leaves these to the shop, which looks the lease up.
`docs/edge.md` says why the signature is an MD5 between two secrets.
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
"""For players that cannot swap it. The lease of a token that is made for longer than LIFETIME is checked at each request."""

Keys = Sequence[tuple[int, str]]
"""(version, secret): the first signs, all of them verify, so that a key can be replaced while films play."""

_SHAPE = re.compile(r"(([0-9]{1,11})\.([A-Za-z0-9_-]{1,64})\.([0-9]{1,9})(s?))-([A-Za-z0-9_-]{22})")


class Invalid(Exception):
    """Not a token of ours, or one for another film or another version of it."""


class Expired(Exception):
    """A token of ours whose time is over."""


@dataclass(frozen=True)
class Token:
    """What a valid token says. The lease of one for a whole session must be looked up each time."""

    lease_id: str
    expires_at: datetime
    is_for_session: bool


def make_token(keys: Keys, lease_id: str, film: str, recipe: str, at: datetime, lifetime: timedelta = LIFETIME) -> str:
    """A token for this lease and this version of this film, good for `lifetime` from `at`."""
    version, secret = keys[0]
    claim = f"{int((at + lifetime).timestamp())}.{lease_id}.{version}{'s' if lifetime > LIFETIME else ''}"
    return f"{claim}-{_signature(secret, claim, film, recipe)}"


def check_token(keys: Keys, token: str, film: str, recipe: str, at: datetime) -> Token:
    """What the token says; raises Invalid before Expired, so that only who held a true one learns that it is over."""
    parts = _SHAPE.fullmatch(token)
    secret = dict(keys).get(int(parts[4])) if parts else None
    if parts is None or secret is None:
        raise Invalid(token)
    claim, expires, lease_id, _, session_mark, signature = parts.groups()
    if not hmac.compare_digest(signature, _signature(secret, claim, film, recipe)):
        raise Invalid(token)
    expires_at = datetime.fromtimestamp(int(expires), UTC)
    if expires_at <= at:
        raise Expired(token)
    return Token(lease_id, expires_at, bool(session_mark))


def edge_secret(secret: str) -> str:
    """What nginx is given of a key: 64 hexadecimal signs, whatever the key is written with, good for nothing but tokens."""
    return hmac.new(secret.encode(), b"media path tokens", hashlib.sha256).hexdigest()


def _signature(secret: str, claim: str, film: str, recipe: str) -> str:
    """Base64url of the MD5 over nginx's secret, the token's claim, the version, and the secret again; no part holds a space."""
    edge = edge_secret(secret)
    digest = hashlib.md5(f"{edge} {claim} {film}/{recipe} {edge}".encode()).digest()  # noqa: S324  # what nginx's secure_link checks; the secret stands at both ends of what is hashed
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
