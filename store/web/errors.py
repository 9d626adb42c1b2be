"""Every error has the shop's look and says what happened, what was not lost, and what to do next."""

from urllib.parse import urlsplit

import structlog
from flask import Flask, abort, current_app, render_template, request
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, ServiceUnavailable
from werkzeug.wrappers import Response

from store.web.sign_in import forget_visitor

SHOWN = {400, 403, 404, 405, 409, 413, 422, 429, 500, 503}
RETRY_AFTER_S = 10

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Answer every exception with a page of ours."""
    app.before_request(_refuse_unreadable_query)
    app.register_error_handler(HTTPException, _show)
    app.register_error_handler(CSRFError, _show)
    app.register_error_handler(OperationalError, _database_is_away)
    app.register_error_handler(DataError, _database_cannot_hold_it)
    app.register_error_handler(Exception, _show_unexpected)


def _refuse_unreadable_query() -> None:
    """Bytes that are no UTF-8 would stop whoever reads `request.args`: refuse them, and leave them to nobody."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        request.query_string = b""
        abort(400)


def _show(error: HTTPException) -> Response:
    """The error's own page; redirects pass unchanged, and unusual codes take the nearest sentence."""
    if error.code is None or error.code < 400:
        return error.get_response()
    code = error.code if error.code in SHOWN else (400 if error.code < 500 else 500)
    try:
        page = _page(code)
    except OperationalError as away:  # the header shows who is signed in
        return _database_is_away(away)
    response = Response(page, error.code, mimetype="text/html")
    for name, value in error.get_headers():
        if name.lower() in {"retry-after", "allow"}:
            response.headers[name] = value
    return response


def _page(code: int) -> str:
    """The page of an error: one of ours asks nothing of the database, which may be its cause."""
    if code >= 500:
        forget_visitor()
    if request_ctx.url_adapter is None:  # an unknown Host: nothing was routed, yet the page has links
        host = urlsplit(current_app.config["SHOP_URL"]).netloc
        request_ctx.url_adapter = current_app.url_map.bind(host, script_name=request.root_path)
    return render_template("errors/error.html", code=code)


def _database_is_away(error: OperationalError) -> Response:
    log.error("database away", path=request.root_path + request.path, error=str(error.orig))
    return _show(ServiceUnavailable(retry_after=RETRY_AFTER_S))


def _database_cannot_hold_it(_error: DataError) -> Response:
    """Text with a NUL or a number beyond 64 bits names nothing that exists."""
    return _show(NotFound())


def _show_unexpected(error: Exception) -> Response:
    log.error("unexpected error", path=request.root_path + request.path, method=request.method, exc_info=error)
    return _show(InternalServerError())
