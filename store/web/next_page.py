"""Where a visitor goes on after a detour: a page of ours, or nowhere."""

import re

# One leading slash, then printable ASCII without backslash: `//host`, `/\host`, tabs, NUL and the like never pass.
OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def own_path(address: str | None, default: str = "/compte") -> str:
    """`address` if it is a path of this shop, else `default`. Encoded slashes and control characters are refused too."""
    if not address or len(address) > 2000 or not OWN_PATH.fullmatch(address):
        return default
    if re.match(r"/%(2f|5c|0|1|7f)", address, re.IGNORECASE) or re.search(r"%(0[0-9a-d]|5c)", address, re.IGNORECASE):
        return default
    return address
