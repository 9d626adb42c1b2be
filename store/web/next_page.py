"""Where a visitor goes on after a detour: a page of ours, or nowhere."""

import re

from flask import request

from store.language import ENGLISH, SITES, site

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
