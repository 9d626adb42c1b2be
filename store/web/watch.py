"""Every request is counted, timed and named, in front of everything else; LOG_FORMAT=json also writes a line of it.

The line and the counters name the route (`/films/<slug>`), never the address: what a visitor looks at, a code or a token in
it, and who asks, stay out of them.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from functools import lru_cache
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from flask import Flask, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from werkzeug.exceptions import HTTPException

from store import tally
from store.logs import doing
from store.web.locale import without_language

ROUTE = "shop.route"
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
NO_ROUTE = "none"
STEPS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ROUTES_KNOWN = 10_000

COUNTED = CollectorRegistry()
REQUESTS = Counter("shop_requests", "Requests answered.", ["route", "method", "status"], registry=COUNTED)
SECONDS = Histogram("shop_request_seconds", "Until the answer was ready.", ["route"], buckets=STEPS_S, registry=COUNTED)

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Stand in front of all other layers: comes last."""
    app.url_value_preprocessor(_note_route)
    app.wsgi_app = Watch(app, app.wsgi_app)  # type: ignore[method-assign]  # how WSGI is wrapped


class Watch:
    """WSGI in front of the shop. A proxy that we trust may name a request; everybody else's gets a name of ours."""

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner
        self._writes_lines = app.config["LOG_FORMAT"] == "json"
        self._believes_names = bool(app.config["PROXY_HOPS"])
        self._route_of = lru_cache(ROUTES_KNOWN)(lambda path: _match(app, path))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        began, path = perf_counter(), environ.get("PATH_INFO", "")
        request_id = self._name(environ)
        tally.begin()
        doing.set({"request_id": request_id})
        answered = "500"

        def note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            nonlocal answered
            answered = status
            return start_response(status, [*headers, ("X-Request-Id", request_id)], exc_info)

        try:
            return self._inner(environ, note)
        finally:
            route = environ.get(ROUTE) or self._route_of(without_language(path))
            self._tell(route, environ["REQUEST_METHOD"], answered[:3], perf_counter() - began)

    def _tell(self, route: str, method: str, status: str, seconds: float) -> None:
        known = method if method in METHODS else "other"
        requests, times = _counters(route, known, f"{status[0]}xx")
        requests.inc()
        times.observe(seconds)
        if self._writes_lines:
            said = {"method": known, "route": route, "status": int(status), "ms": round(seconds * 1000, 1)}
            log.info("request", **said, queries=tally.statements())

    def _name(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._believes_names else ""
        return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _note_route(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    request.environ[ROUTE] = request.url_rule.rule if request.url_rule else NO_ROUTE


def _match(app: Flask, path: str) -> str:
    """The route of a page that was answered before Flask saw it."""
    try:
        rule, _ = app.url_map.bind("").match(path, return_rule=True)
    except HTTPException:
        return NO_ROUTE
    return str(rule.rule)


@lru_cache(ROUTES_KNOWN)
def _counters(route: str, method: str, status: str) -> tuple[Counter, Histogram]:
    """Those of one kind of request: finding them costs more than counting."""
    return REQUESTS.labels(route, method, status), SECONDS.labels(route)
