"""The address says in which language its page is: the French pages stand at the root, the same ones in English under `/en`.

English is a second mounting of the whole shop (WSGI's SCRIPT_NAME): no route knows of it, and `url_for` stays in it by itself.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, abort, current_app, has_request_context, request
from flask.globals import request_ctx
from flask_babel import Babel
from werkzeug.routing import MapAdapter

from store.language import ENGLISH, FRENCH, LOCALES, SITES, language, site

ENGLISH_SITE = SITES[ENGLISH]
UNDER_ENGLISH = re.compile(rf"\A{ENGLISH_SITE}(?=/|\Z)")
WITHOUT_LANGUAGE = re.compile(
    r"/(static/|style-|player-|media/|affiches/|stripe/)|/(sante|metrics|sitemap.*\.xml|robots\.txt)\Z"
)
"""Addresses of files and machines: each has one alone."""


class BilingualFlask(Flask):
    """Flask, mounted twice. Its addresses stay in the language of the page, but for those that have none."""

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As Flask's."""
        path = environ.get("PATH_INFO", "")
        if UNDER_ENGLISH.match(path):
            environ["SCRIPT_NAME"] = ENGLISH_SITE
            environ["PATH_INFO"] = path.removeprefix(ENGLISH_SITE) or "/"
        return super().wsgi_app(environ, start_response)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's."""
        address = super().url_for(endpoint, **values)
        page = UNDER_ENGLISH.sub("", address, count=1)
        return page if WITHOUT_LANGUAGE.match(page.partition("?")[0]) else address


def init_app(app: Flask) -> None:
    """Let the address choose the language; give templates `lang`, `site`, `page_in(code)` and `same_page_in(code)`."""
    Babel(app, locale_selector=lambda: LOCALES[_language_of_address()])
    app.before_request(_refuse_second_addresses)
    app.context_processor(lambda: {"lang": language(), "site": site()})
    app.add_template_global(page_in)
    app.add_template_global(same_page_in)


def without_language(path: str) -> str:
    """The address of the same page in French, by which its route is known."""
    return UNDER_ENGLISH.sub("", path, count=1) or "/"


def page_in(code: str) -> str:
    """The one full address of this page in a language, without what only chooses among its contents."""
    return current_app.config["SHOP_URL"] + _in(code, request.path)


def same_page_in(code: str) -> str:
    """Where the same page stands in a language, query included; for the answer to a form, the page that it is on.

    What leads to no page of ours stays what it is: nobody shall learn by it where there are some.
    """
    if request.method not in {"GET", "HEAD"} and request.url_rule:
        return _in(code, _page_above(request.path))
    query = request.query_string.decode(errors="replace")
    return _in(code, request.path) + (f"?{query}" if query else "")


def _in(code: str, path: str) -> str:
    """The path of a page in a language; the English home is `/en`, without a slash at its end."""
    return SITES[code] + quote(path) if path != "/" else SITES[code] or "/"


def _language_of_address() -> str:
    return ENGLISH if has_request_context() and request.root_path == ENGLISH_SITE else FRENCH


def _refuse_second_addresses() -> None:
    if request.root_path and WITHOUT_LANGUAGE.match(request.path):
        abort(404)


def _page_above(path: str) -> str:
    """The nearest address, upwards from this one, that shows a page."""
    adapter: MapAdapter | None = request_ctx.url_adapter
    while path.strip("/") and adapter and not adapter.test(path, "GET"):
        path = path.rpartition("/")[0]
    return path or "/"
