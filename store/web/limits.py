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
    _check_marked_views_alone(app)


def _check_marked_views_alone(app: Flask) -> None:
    """The marks on views check for themselves. Before every request the extension also looks for limits of the whole shop and of its
    rooms, which there are none of: that took a tenth of a page.
    """
    hooks = app.before_request_funcs[None]
    hooks[:] = [hook for hook in hooks if getattr(hook, "__self__", None) is not limiter]


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
