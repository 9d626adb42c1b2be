"""A file of somebody else's, read as a catalogue: a mapping says which of its columns holds what. `docs/import.md` is its manual.

What a mapping does not name is left aside, and what it cannot read is passed on as it stands, for the import to refuse by its own rules:
nothing is guessed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from store.catalogue.import_rules import FILM_RULES

DAY_FORMAT, SEPARATOR = "%Y-%m-%d", ";"

WORDS = {"column", "as", "format", "separator"}
KEYS = WORDS | {"otherwise", "value"}

Way = Mapping[str, Any]
"""How one field is read."""


class BadMapping(Exception):
    """The mapping makes no sense; the message says where."""


def read_mapping(path: Path) -> dict[str, Way]:
    """The mapping of a JSON file: for each field of a film its column's name, or an object; raises BadMapping."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadMapping(f"{path.name}: {error}") from None
    if not isinstance(document, dict):
        raise BadMapping(f"{path.name}: no object with a way for each field")
    return {field: _way(field, way) for field, way in document.items()}


def mapped(record: Any, mapping: Mapping[str, Way]) -> Any:
    """The record as `films import` reads it; what is none stays what it is."""
    if not isinstance(record, dict):
        return record
    return {field: _field(record, way) for field, way in mapping.items()}


def _way(field: str, way: Any) -> Way:
    if field not in FILM_RULES:
        raise BadMapping(f"«{field}» is no field of a film: {', '.join(FILM_RULES)}")
    if isinstance(way, str):
        way = {"column": way}
    if not isinstance(way, dict) or not _makes_sense(way):
        raise BadMapping(f"«{field}» needs the name of a column, or an object of {', '.join(sorted(KEYS))}")
    if way.get("as", "text") not in READERS:
        raise BadMapping(f"«{field}» is read as none of {', '.join(READERS)}")
    return way


def _makes_sense(way: Way) -> bool:
    words = (way[name] for name in WORDS if name in way)
    return (
        not way.keys() - KEYS and ("column" in way) != ("value" in way) and all(isinstance(word, str) for word in words)
    )


def _field(record: Mapping[str, Any], way: Way) -> Any:
    if "value" in way:
        return way["value"]
    found = record.get(way["column"])
    if found is None or found == "":
        return way.get("otherwise")
    return READERS[way["as"]](found, way) if "as" in way else found


def _text(found: Any, _way: Way) -> Any:
    """A title such as 1984 comes as a number."""
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else found


def _number(found: Any, _way: Way) -> Any:
    return int(found) if isinstance(found, str) and found.strip().isascii() and found.strip().isdigit() else found


def _list(found: Any, way: Way) -> Any:
    if not isinstance(found, str):
        return found
    return [part.strip() for part in found.split(way.get("separator") or SEPARATOR) if part.strip()]


def _day(found: Any, way: Way) -> Any:
    moment = _moment(found, way)
    return moment.date().isoformat() if moment else found


def _year(found: Any, way: Way) -> Any:
    moment = _moment(found, way)
    return moment.year if moment else found


def _moment(found: Any, way: Way) -> datetime | None:
    try:
        return datetime.strptime(found, way.get("format") or DAY_FORMAT)
    except (TypeError, ValueError):
        return None


READERS: Mapping[str, Callable[[Any, Way], Any]] = {
    "text": _text,
    "number": _number,
    "list": _list,
    "day": _day,
    "year": _year,
}
