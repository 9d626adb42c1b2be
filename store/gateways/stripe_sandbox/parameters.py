"""Strict reading of Stripe's flat form names, `line_items[0][price_data][currency]`.

A table says of each name that exists what its value must look like: a format of `parameters.json`, or a regular expression.
`[]` stands for a number in a list, `[*]` for any key, and a last `!` for a must. Names stay flat; `part()` and `items()`
look below one of them.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .refusal import Refusal
from .state import FOLDER

Table = dict[str, str]
Params = dict[str, Any]

TABLES = json.loads((FOLDER / "parameters.json").read_text())


class Format(NamedTuple):
    """A regular expression, and Stripe's words for a value that does not match it."""

    pattern: str
    message: str = "Invalid value"
    code: str = ""


FORMATS = {name: Format(*facts) for name, facts in TABLES["formats"].items()}


def read(pairs: Iterable[tuple[str, str]], table: Table) -> Params:
    """The parameters by their names, whole numbers as int; or the refusal of what is unknown, wrong or missing."""
    formats = {name.rstrip("!"): FORMATS.get(word) or Format(word) for name, word in table.items()}
    params = {name: value_of(name, value, formats) for name, value in pairs}
    for must in (name.rstrip("!") for name in table if name.endswith("!")):
        root, *below = must.split("[]")
        for name in [item + "".join(below) for item in items(params, root)] or [root]:
            if name not in params:
                raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)
    return params


def value_of(name: str, value: str, formats: dict[str, Format]) -> Any:
    """One value, if its name exists and it looks as it must."""
    one_of_a_list, one_of_a_map = re.sub(r"\[[0-9]{1,2}\]", "[]", name), re.sub(r"\[[^\[\]]{1,40}\]$", "[*]", name)
    format = formats.get(one_of_a_list) or formats.get(one_of_a_map)
    if format is None:
        raise Refusal(f"Received unknown parameter: {name}", "parameter_unknown", name)
    if not re.fullmatch(format.pattern, value, re.DOTALL):
        if not value:
            raise Refusal(f"You passed an empty string for '{name}'.", "parameter_invalid_empty", name)
        raise Refusal(f"{format.message}: {value[:100]}", format.code, name)
    return int(value) if format.code == "parameter_invalid_integer" else value


def part(params: Params, root: str) -> Params:
    """The fields below a name."""
    return {name[len(root) + 1 :].replace("]", "", 1): params[name] for name in params if name.startswith(f"{root}[")}


def items(params: Params, root: str) -> list[str]:
    """The names of a list's items, in order: `root[0]`, `root[1]`."""
    found = (re.match(re.escape(root) + r"\[[0-9]*\]", name) for name in params)
    return sorted({match.group() for match in found if match}, key=lambda item: (len(item), item))


def metadata(params: Params) -> Params:
    """The metadata among parameters, without the keys that an empty value unsets."""
    return {key: value for key, value in part(params, "metadata").items() if value}
