"""Where a visitor goes on after a detour, a page of ours or nowhere, and what their browser keeps for it meanwhile."""

import re
from collections.abc import Iterator
from typing import Any

from flask import abort, current_app, redirect, request
from werkzeug.wrappers import Response

from store.language import ENGLISH, SITES, site
from store.web.headers import checkout_origin

# One leading slash, then printable ASCII without backslash: `//host`, `/\host`, tabs, NUL and the like never pass.
OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
ENGLISH_PATH = re.compile(rf"{SITES[ENGLISH]}(?=[/?#]|\Z)")


def own_path(address: str | None, default: str = "/compte") -> str:
    """`address` if it is a path of this shop, else `default`, in the language of this page.

    Encoded slashes and control characters are refused too.
    """
    page = _without_language(address or "")
    return site() + (page if _is_own(page) else default)


def this_page() -> str:
    """The path and query of this page, as somebody who leaves it for a moment comes back to it."""
    return request.root_path + request.full_path.rstrip("?")


def to_payment(address: str) -> Response:
    """On to Stripe's page and to no other place, whoever named it: browsers refuse others as well (`form-action`)."""
    if not address.startswith(f"{checkout_origin(current_app.config['STRIPE_API_BASE'])}/"):
        abort(502)
    return redirect(address, 303)


def keep_for(page: str, answer: Response, name: str, value: str, life_s: int) -> None:
    """Let the browser bring `value` back to this page, in either language, and nowhere else."""
    for path in _in_each_language(page):
        answer.set_cookie(_cookie(name), value, max_age=life_s, path=path, **_out_of_reach())


def drop_for(page: str, answer: Response, name: str) -> None:
    """What was kept for this page has done its work."""
    for path in _in_each_language(page):
        answer.delete_cookie(_cookie(name), path=path, **_out_of_reach())


def kept(name: str) -> str:
    """What the browser brings back under this name; empty if nothing."""
    return request.cookies.get(_cookie(name), "")


def _cookie(name: str) -> str:
    """Behind TLS browsers take a name with this prefix over TLS alone (RFC 6265bis, 4.1.3.1)."""
    return f"__Secure-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def _out_of_reach() -> dict[str, Any]:
    """Attributes of a cookie that no script, no other site and no plain connection gets."""
    return {"secure": current_app.config["SESSION_COOKIE_SECURE"], "httponly": True, "samesite": "Lax"}


def _in_each_language(page: str) -> Iterator[str]:
    return (prefix + _without_language(page) for prefix in SITES.values())


def _without_language(address: str) -> str:
    if not ENGLISH_PATH.match(address):
        return address
    page = address.removeprefix(SITES[ENGLISH])
    return page if page.startswith("/") else f"/{page}"


def _is_own(address: str) -> bool:
    if len(address) > 2000 or not OWN_PATH.fullmatch(address):
        return False
    hides_slash = re.match(r"/%(2f|5c|0|1|7f)", address, re.IGNORECASE)
    return not hides_slash and not re.search(r"%(0[0-9a-d]|5c)", address, re.IGNORECASE)
