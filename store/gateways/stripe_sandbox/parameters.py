"""Strict reading of Stripe's flat form names, `line_items[0][price_data][currency]`.

A table says of each name that exists what its value must look like; `[]` stands for a number in a list, `[*]` for any
key, and a last `!` for a must. Names stay flat; `part()` and `items()` look below one of them.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .refusal import Refusal


class Kind(NamedTuple):
    """A regular expression, and Stripe's words for a value that does not match it."""

    pattern: str
    message: str = "Invalid value"
    code: str = ""


TEXT = Kind(".{1,5000}", "Invalid string")
NOTE = Kind(".{0,500}", "Metadata values can have up to 500 characters")
INTEGER = Kind("[0-9]{1,8}", "Invalid integer", "parameter_invalid_integer")
QUANTITY = INTEGER._replace(pattern="[1-9][0-9]{0,4}")
LIMIT = INTEGER._replace(pattern="[1-9][0-9]?|100")
INSTANT = INTEGER._replace(pattern="[0-9]{1,12}")
EMAIL = Kind(r"[^@\s]{1,400}@[^@\s]{1,400}", "Invalid email address", "email_invalid")
ORIGIN = r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"
URL = Kind(ORIGIN + r"([/?#]\S{0,5000})?", "Not a valid URL", "url_invalid")

Table = dict[str, Kind]
Params = dict[str, Any]


def read(pairs: Iterable[tuple[str, str]], table: Table) -> Params:
    """The parameters by their names, whole numbers as int; or the refusal of what is unknown, wrong or missing."""
    kinds = {name.rstrip("!"): kind for name, kind in table.items()}
    params = {name: value_of(name, value, kinds) for name, value in pairs}
    for must in (name.rstrip("!") for name in table if name.endswith("!")):
        root, *below = must.split("[]")
        for name in [item + "".join(below) for item in items(params, root)] or [root]:
            if name not in params:
                raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)
    return params


def value_of(name: str, value: str, kinds: Table) -> Any:
    """One value, if its name exists and it looks as it must."""
    kind = kinds.get(re.sub(r"\[[0-9]{1,2}\]", "[]", name)) or kinds.get(re.sub(r"\[[^\[\]]{1,40}\]$", "[*]", name))
    if kind is None:
        raise Refusal(f"Received unknown parameter: {name}", "parameter_unknown", name)
    if not re.fullmatch(kind.pattern, value, re.DOTALL):
        if not value:
            raise Refusal(f"You passed an empty string for '{name}'.", "parameter_invalid_empty", name)
        raise Refusal(f"{kind.message}: {value[:100]}", kind.code, name)
    return int(value) if kind.code == INTEGER.code else value


def part(params: Params, root: str) -> Params:
    """The fields below a name."""
    return {name[len(root) + 1 :].replace("]", "", 1): params[name] for name in params if name.startswith(f"{root}[")}


def items(params: Params, root: str) -> list[str]:
    """The names of a list's items, in order: `root[0]`, `root[1]`."""
    found = (re.match(re.escape(root) + r"\[[0-9]*\]", name) for name in params)
    return sorted({match.group() for match in found if match}, key=lambda item: (len(item), item))
