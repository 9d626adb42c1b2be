"""Asking again: before what matters most, who is signed in shows once more who they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import redirect, request, url_for
from flask_login import current_user

from store import clock
from store.customers import second_factor
from store.customers.sessions import is_fresh
from store.db import db
from store.web.next_page import this_page

View = TypeVar("View", bound=Callable[..., Any])


def is_proved() -> bool:
    """Whether the visitor has just shown who they are: by the second factor if they work here and have one."""
    now = clock.now()
    if is_fresh(current_user.second_factor_at, now):
        return True
    return is_fresh(current_user.proved_at, now) and not _needs_second_factor()


def proof_page(onward: str) -> str:
    """Where the visitor shows who they are, and goes on from."""
    endpoint = "backoffice.second_factor" if _needs_second_factor() else "customers.proof"
    return url_for(endpoint, next=onward)


def asks_again(page: str) -> Callable[[View], View]:
    """Mark a view that only who has just shown who they are may use; others do that first.

    They come back to the view, or to `page`, an endpoint, if it is a form's.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def asking(*args: Any, **kwargs: Any) -> Any:
            if is_proved():
                return view(*args, **kwargs)
            return redirect(proof_page(this_page() if request.method == "GET" else url_for(page)), 303)

        return asking  # type: ignore[return-value]  # wraps() keeps the signature

    return mark


def _needs_second_factor() -> bool:
    return current_user.is_staff and second_factor.has_one(db.session, current_user.customer_id)
