"""Pages that are the same for every stranger, kept by this process until anything shown changes.

A page is kept as it was sent, compressed, under the version of what is shown (`store/shown.py`) that stood before it was
drawn: what it says is at least that new. A request that carries a cookie is never answered from here nor kept, so that no
page can show one visitor's name to another. When the database is away, what was kept goes on being shown.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from store import clock
from store.db import db
from store.shown import version_at

LARGEST_KEPT = 16 * 1024 * 1024
"""Bytes of all kept pages together."""

OF_A_BODY = {"Content-Type", "Content-Length", "Content-Encoding"}
KEPT, VERSION_SEEN = "shop.kept", "shop.version"
ENCODINGS = ("br", "zstd", "gzip")

Key = tuple[str, ...]
View = TypeVar("View", bound=Callable[..., Any])
log = structlog.get_logger()


@dataclass(frozen=True)
class KeptPage:
    """A page as it was sent, and the version under which it was drawn."""

    version: int
    headers: list[tuple[str, str]]
    etag: str
    body: bytes


def same_for_every_stranger(view: View) -> View:
    """Mark a view whose page depends on its address, the shop's day and the version of what is shown alone."""
    view.is_same_for_every_stranger = True  # type: ignore[attr-defined]  # a function takes attributes, a Callable need not
    return view


def version_seen() -> int | None:
    """The version of what is shown that stood when a stranger's page was asked for; None for any other request."""
    seen: int | None = request.environ.get(VERSION_SEEN)
    return seen


def init_app(app: Flask) -> None:
    """Keep the marked pages, in front of everything else. Comes before all parts that add to an answer, so as to see the whole."""
    app.after_request(_mark)
    with app.app_context():
        app.wsgi_app = KeptPages(app, app.wsgi_app, db.engine)  # type: ignore[method-assign]  # how WSGI is wrapped


class KeptPages:
    """WSGI in front of the shop: answers what is kept, and keeps what the shop marked."""

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]], engine: Engine) -> None:
        self._app, self._inner, self._engine = app, inner, engine
        self._pages: OrderedDict[Key, KeptPage] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] != "GET" or environ.get("HTTP_COOKIE") or environ.get("QUERY_STRING"):
            return self._inner(environ, start_response)
        key = self._key(environ)
        page = self._pages.get(key)
        version = self._version()
        if page and version in (page.version, None):
            return _send(page, environ, start_response)
        return self._draw(key, version, environ, start_response)

    def _key(self, environ: WSGIEnvironment) -> Key:
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        with self._app.app_context():
            day = clock.today().isoformat()
        place = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        return place, day, *(encoding for encoding in ENCODINGS if encoding in accepted)

    def _version(self) -> int | None:
        """The version of what is shown; None when the database does not say."""
        try:
            with self._engine.connect() as connection:
                return version_at(connection)
        except DBAPIError as error:
            log.warning("the version of what is shown is unknown", error=repr(error))
            return None

    def _draw(
        self, key: Key, version: int | None, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let the shop answer, and keep it if it says so."""
        environ[VERSION_SEEN] = version
        head: list[Any] = []

        def note(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
            head[:] = status, headers
            return _nowhere

        body = self._inner(environ, note)
        status, headers = head
        if version is None or not environ.get(KEPT) or any(name == "Set-Cookie" for name, _ in headers):
            start_response(status, headers)
            return body
        page = self._keep(key, version, headers, _whole(body))
        return _send(page, environ, start_response)

    def _keep(self, key: Key, version: int, headers: list[tuple[str, str]], body: bytes) -> KeptPage:
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        page = KeptPage(version, [*headers, ("ETag", etag)], etag, body)
        with self._lock:
            if former := self._pages.pop(key, None):
                self._size -= len(former.body)
            self._pages[key] = page
            self._size += len(body)
            while self._size > LARGEST_KEPT:
                _, oldest = self._pages.popitem(last=False)
                self._size -= len(oldest.body)
        return page


def _mark(response: Response) -> Response:
    """Say to the layer in front that the answer may be kept: it greets nobody and holds no form."""
    view = current_app.view_functions.get(request.endpoint or "")
    is_marked = getattr(view, "is_same_for_every_stranger", False)
    if is_marked and response.status_code == 200 and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = (
            "no-cache"  # a browser may have it, and asks each time whether it still stands
        )
        response.vary.add("Cookie")
        request.environ[KEPT] = True
    return response


def _send(page: KeptPage, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """The page, or 304 for whoever has it (RFC 9110, 13.1.2)."""
    if page.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 Not Modified", [header for header in page.headers if header[0] not in OF_A_BODY])
        return []
    start_response("200 OK", page.headers)
    return [page.body]


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()


def _nowhere(_data: bytes) -> None:
    """What WSGI calls `write`; Flask never does."""
