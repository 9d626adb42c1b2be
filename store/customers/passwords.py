"""Passwords, as Argon2id digests with the parameters of RFC 9106's second choice."""

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY
from flask import current_app

SHORTEST = 10
LONGEST = 200


def hash_password(password: str) -> str:
    """A digest to store."""
    hasher, _ = _tools()
    return hasher.hash(password)


def password_matches(password: str, stored: str | None) -> bool:
    """Whether it is the password; for nobody (None) and who has none (empty) as slow as for everybody else, and False."""
    try:
        hasher, strangers_digest = _tools()
        return hasher.verify(stored or strangers_digest, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def stamp(stored: str) -> str:
    """A mark of the password that is good now, to bind a link to: another password, another mark."""
    return hashlib.sha256(f"stamp:{stored}".encode()).hexdigest()


def _tools() -> tuple[PasswordHasher, str]:
    """The hasher, and a digest to compare with when there is no customer: made together, so that neither is slower.

    Tests take the cheapest parameters, nobody else does.
    """
    tools: tuple[PasswordHasher, str] | None = current_app.extensions.get("passwords")
    if tools is None:
        profile = CHEAPEST if current_app.config["SHOP_MODE"] == "test" else RFC_9106_LOW_MEMORY
        hasher = PasswordHasher.from_parameters(profile)
        tools = current_app.extensions["passwords"] = hasher, hasher.hash("nobody's password")
    return tools
