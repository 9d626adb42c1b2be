"""Passwords, as Argon2id digests with the parameters of RFC 9106's second choice."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY
from flask import current_app

SHORTEST = 10
LONGEST = 200

NICENESS = 10
"""How far digests step back behind pages."""

Made = TypeVar("Made")


def hash_password(password: str) -> str:
    """A digest to store."""
    hasher, _ = _tools()
    return _behind_pages(hasher.hash, password)


def password_matches(password: str, stored: str | None) -> bool:
    """Whether it is the password; for nobody (None) and who has none (empty) as slow as for everybody else, and False."""
    try:
        hasher, strangers_digest = _tools()
        return _behind_pages(hasher.verify, stored or strangers_digest, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def stamp(stored: str) -> str:
    """A mark of the password that is good now, to bind a link to: another password, another mark."""
    return hashlib.sha256(f"stamp:{stored}".encode()).hexdigest()


def _behind_pages(compute: Callable[..., Made], *arguments: str) -> Made:
    """What it returns or raises. One digest at a time in a process, and pages go first.

    A digest takes all cores and 64 MiB for as long as twenty pages take: who guesses passwords must not slow those down.
    """
    return _thread.submit(compute, *arguments).result()


def _step_back() -> None:
    """On Linux each thread has a niceness of its own, and those that it starts take it on (setpriority(2), "C library differences")."""
    if sys.platform == "linux":
        niceness = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, niceness))


def _begin_thread() -> None:
    """Anew in each fork, which has no threads of its parent's."""
    global _thread
    _thread = _new_thread()


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "passwords", initializer=_step_back)


_thread = _new_thread()
os.register_at_fork(after_in_child=_begin_thread)


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
