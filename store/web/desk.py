"""The staff's desk: to everybody else its addresses are addresses of nothing."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from store import clock
from store.web.next_page import this_page

DESK = "/equipe"
UNDER_THE_DESK = re.compile(rf"{DESK}(/|$)")

SECOND_FACTOR_LASTS = timedelta(hours=12)
"""A working day, in one browser. What matters most asks again after a quarter of an hour (`proof.asks_again`)."""

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Hide the desk, before anything that would answer otherwise than to an address of nothing."""
    app.before_request(_hide_from_others)
    app.before_request(_ask_second_factor)


def works_here() -> bool:
    """Whether a member of the staff makes this request."""
    return current_user.is_authenticated and current_user.is_staff


def before_second_factor(view: View) -> View:
    """Mark a view of the desk that is there for who has not shown the second factor yet."""
    view.is_before_second_factor = True  # type: ignore[attr-defined]  # a function takes attributes, a Callable need not
    return view


def _ask_second_factor() -> Response | None:
    """Staff show their second factor before the desk opens, whatever they ask of it; a form is then to be sent again."""
    if not UNDER_THE_DESK.match(request.path) or request.url_rule is None or not works_here():
        return None
    view = current_app.view_functions[request.url_rule.endpoint]
    shown_at = current_user.second_factor_at
    if hasattr(view, "is_before_second_factor") or (shown_at and clock.now() - shown_at < SECOND_FACTOR_LASTS):
        return None
    return redirect(url_for("backoffice.second_factor", next=this_page() if request.method == "GET" else DESK), 303)


def _hide_from_others() -> None:
    """Nobody but staff learns of a route there: not by its redirect, its methods or its missing token. A bad Host stays one."""
    if not UNDER_THE_DESK.match(request.path) or isinstance(request.routing_exception, BadRequest) or works_here():
        return
    request.url_rule = request.view_args = None
    request.routing_exception = NotFound()
