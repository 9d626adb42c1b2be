"""The staff's desk: to everybody else its addresses are addresses of nothing."""

import re

from flask import Flask, request
from flask_login import current_user
from werkzeug.exceptions import BadRequest, NotFound

DESK = "/equipe"
UNDER_THE_DESK = re.compile(rf"{DESK}(/|$)")


def init_app(app: Flask) -> None:
    """Hide the desk, before anything that would answer otherwise than to an address of nothing."""
    app.before_request(_hide_from_others)


def works_here() -> bool:
    """Whether a member of the staff makes this request."""
    return current_user.is_authenticated and current_user.is_staff


def _hide_from_others() -> None:
    """Nobody but staff learns of a route there: not by its redirect, its methods or its missing token. A bad Host stays one."""
    if not UNDER_THE_DESK.match(request.path) or isinstance(request.routing_exception, BadRequest) or works_here():
        return
    request.url_rule = request.view_args = None
    request.routing_exception = NotFound()
