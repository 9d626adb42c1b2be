"""Strict reading of Stripe's flat form names, `line_items[0][price_data][currency]`.

A table says of each name that exists what its value must look like: a format of `parameters.json`, or a regular expression.
`[]` stands for a number in a list, `[*]` for any key, and a last `!` for a must. Lists and maps of single values come back
whole; other names stay flat, and `part()` and `items()` look below one of them.
"""

import re
from collections.abc import Iterable
from typing import Any

from .tables import PARAMETERS, Object, Refusal

Table = dict[str, str]
WHOLE = "parameter_invalid_integer"


def read(pairs: Iterable[tuple[str, str]], table: Table) -> Object:
    """The parameters by their names, whole numbers as int; or the refusal of what is unknown, wrong or missing."""
    formats = {name.rstrip("!"): word for name, word in table.items()}
    params = {name: value_of(name, value, formats) for name, value in pairs}
    for must in (name.rstrip("!") for name in table if name.endswith("!")):
        root, *below = must.split("[]")
        for name in [item + "".join(below) for item in items(params, root)] or [root]:
            if name not in params:
                raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)
    for name in formats:
        if name.endswith("[]"):
            params[name[:-2]] = [params[item] for item in items(params, name[:-2])]
        if name.endswith("[*]"):  # an empty value unsets a key
            params[name[:-3]] = {key: value for key, value in part(params, name[:-3]).items() if value}
    return params


def value_of(name: str, value: str, formats: Table) -> Any:
    """One value, if its name exists and it looks as it must."""
    in_a_list, in_a_map = re.sub(r"\[[0-9]{1,2}\]", "[]", name), re.sub(r"\[[^\[\]]{1,40}\]$", "[*]", name)
    word = formats.get(in_a_list) or formats.get(in_a_map)
    if word is None:
        raise Refusal(f"Received unknown parameter: {name}", "parameter_unknown", name)
    pattern, message, code = PARAMETERS["formats"].get(word, [word, "Invalid value", ""])
    if not re.fullmatch(pattern, value, re.DOTALL):
        if not value:
            raise Refusal(f"You passed an empty string for '{name}'.", "parameter_invalid_empty", name)
        raise Refusal(f"{message}: {value[:100]}", code, name)
    return int(value) if code == WHOLE else value


def part(params: Object, root: str) -> Object:
    """The fields below a name."""
    return {name[len(root) + 1 :].replace("]", "", 1): params[name] for name in params if name.startswith(f"{root}[")}


def items(params: Object, root: str) -> list[str]:
    """The names of a list's items, in order: `root[0]`, `root[1]`."""
    found = (re.match(re.escape(root) + r"\[[0-9]*\]", name) for name in params)
    return sorted({match.group() for match in found if match}, key=lambda item: (len(item), item))
