"""How often one may try. Counted in Redis when REDIS_URL is set, else in this process's memory."""

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user

from store.customers.register import normalise

limiter = Limiter(get_remote_address, headers_enabled=True)


def init_app(app: Flask) -> None:
    """Count with `limiter`; an answer of 429 says in `Retry-After` when to come back."""
    limiter.init_app(app)


def this_customer() -> str:
    """The account that is signed in, from wherever."""
    return f"customer:{current_user.customer_id}" if current_user.is_authenticated else get_remote_address()


def submitted_email() -> str:
    """The account that a sign-in form names, whoever sends it and however they spell it."""
    try:
        return "account:" + normalise(request.form.get("email", ""))
    except ValueError:
        return "no account:" + get_remote_address()
