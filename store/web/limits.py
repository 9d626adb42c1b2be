"""How often one may try. Counted in Redis when REDIS_URL is set, else in this process's memory.

While Redis is away each process counts by itself: one may try as often again for each process, and nobody is locked out.
"""

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user

from store.customers.register import normalise

limiter = Limiter(get_remote_address, headers_enabled=True, in_memory_fallback_enabled=True)


def init_app(app: Flask) -> None:
    """Count with `limiter`; an answer of 429 says in `Retry-After` when to come back."""
    limiter.init_app(app)


def counts_elsewhere() -> bool:
    """Whether tries are counted in Redis."""
    return current_app.config["REDIS_URL"] is not None


def redis_answers() -> bool:
    """Whether it does, within two seconds."""
    return bool(limiter.storage.check())


def this_customer() -> str:
    """The account that is signed in, from wherever."""
    return f"customer:{current_user.customer_id}" if current_user.is_authenticated else get_remote_address()


def submitted_email() -> str:
    """The account that a sign-in form names, whoever sends it and however they spell it."""
    try:
        return "account:" + normalise(request.form.get("email", ""))
    except ValueError:
        return "no account:" + get_remote_address()
