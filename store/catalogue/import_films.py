"""`films import`: a catalogue from a file. Good lines go in, in one transaction; each bad one is named with its reason.

JSON holds `films`, `themes`, `collections` and `home`; CSV holds films alone, lists separated by semicolons. Slugs are the
stable keys: a record whose slug is known updates, and a second import of one file changes nothing.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store.catalogue.models import (
    Collection,
    CollectionFilm,
    Film,
    FilmDirector,
    FilmTheme,
    HomePage,
    Person,
    Theme,
)
from store.catalogue.slugs import SLUG, slug_of

LARGEST_FILE = 200 * 1024 * 1024
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
COUNTRY_CODE = re.compile(r"[A-Z]{2}")
AGES = (0, 10, 12, 16, 18)


Row = TypeVar("Row", Theme, Film, Collection)


class Unreadable(Exception):
    """The file as a whole is no catalogue; the message says why."""


@dataclass
class Report:
    """What came of an import: how many records were new or changed, and a sentence for each that was refused."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)


def read_catalogue(path: Path) -> dict[str, Any]:
    """The records of a JSON or CSV file, unchecked; raises Unreadable."""
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable(f"{path.name} is larger than {LARGEST_FILE} bytes")
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = {"films": _csv_films(text)} if path.suffix.lower() == ".csv" else json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise Unreadable(f"{path.name}: {error}") from None
    if isinstance(document, list):
        document = {"films": document}
    if not isinstance(document, dict) or not isinstance(document.get("films", []), list):
        raise Unreadable(f"{path.name}: neither a list of films nor an object with «films»")
    return document


def import_catalogue(session: Session, document: dict[str, Any], at: datetime) -> Report:
    """Write the records; the caller's transaction makes it all or nothing."""
    report = Report()
    theme_ids = _import_themes(session, document.get("themes", []), report)
    film_ids = _import_films(session, document.get("films", []), theme_ids, report, at)
    _import_collections(session, document.get("collections", []), film_ids, report)
    if isinstance(document.get("home"), dict):
        set_home(session, document["home"])
    return report


def set_home(session: Session, content: dict[str, Any]) -> None:
    """What the home page shows from now on."""
    if session.scalar(select(HomePage.id)) is None:
        session.execute(insert(HomePage).values(id=1, content=content))
    else:
        session.execute(update(HomePage).values(content=content))


def _csv_films(text: str) -> list[dict[str, Any]]:
    lists = {"countries", "directors", "languages", "themes"}
    numbers = {"year", "minutes", "age", "rent_cents", "buy_cents"}

    def typed(name: str, value: str) -> Any:
        if name in lists:
            return [part.strip() for part in value.split(";") if part.strip()]
        if name in numbers and re.fullmatch(r"-?\d{1,9}", value.strip()):
            return int(value)
        return value or None

    return [
        {name: typed(name, value or "") for name, value in row.items() if name}
        for row in csv.DictReader(text.splitlines(), strict=True)
    ]


def _import_themes(session: Session, records: Iterable[Any], report: Report) -> dict[str, int]:
    known = {theme.slug: theme for theme in session.scalars(select(Theme))}
    for number, record in enumerate(records, start=1):
        reasons = _complaints(record, THEME_RULES)
        if reasons:
            report.refused.append(_refusal("theme", number, record, reasons))
        else:
            _put(session, Theme, known, {name: record[name] for name in THEME_RULES}, report)
    session.flush()
    return {slug: theme.id for slug, theme in known.items()}


def _import_films(
    session: Session, records: Iterable[Any], theme_ids: dict[str, int], report: Report, at: datetime
) -> dict[str, int]:
    known = {film.slug: film for film in session.scalars(select(Film))}
    people = {person.slug: person for person in session.scalars(select(Person))}
    seen: set[str] = set()
    for number, record in enumerate(records, start=1):
        reasons = _complaints(record, FILM_RULES)
        if not reasons:
            record = _complete(record)
            reasons = _film_complaints(record, theme_ids, seen)
        if reasons:
            report.refused.append(_refusal("film", number, record, reasons))
            continue
        seen.add(record["slug"])
        film = _put(
            session, Film, known, {name: record[name] for name in FILM_COLUMNS}, report, added_at=at, subtitles=[]
        )
        session.flush()
        _set_links(
            session, FilmDirector, "film_id", film.id, "person_id", _person_ids(session, people, record["directors"])
        )
        _set_links(session, FilmTheme, "film_id", film.id, "theme_id", [theme_ids[slug] for slug in record["themes"]])
    return {slug: film.id for slug, film in known.items()}


def _import_collections(session: Session, records: Iterable[Any], film_ids: dict[str, int], report: Report) -> None:
    known = {collection.slug: collection for collection in session.scalars(select(Collection))}
    for number, record in enumerate(records, start=1):
        reasons = _complaints(record, COLLECTION_RULES)
        if not reasons:
            reasons = [f"«films» names {slug}, which is unknown" for slug in record["films"] if slug not in film_ids]
        if reasons:
            report.refused.append(_refusal("collection", number, record, reasons))
            continue
        values = {name: record[name] for name in COLLECTION_RULES if name != "films"} | {"position": number}
        collection = _put(session, Collection, known, values, report)
        session.flush()
        ids = [film_ids[slug] for slug in record["films"]]
        _set_links(session, CollectionFilm, "collection_id", collection.id, "film_id", ids)


def _put(
    session: Session, table: type[Row], known: dict[str, Row], values: dict[str, Any], report: Report, **when_new: Any
) -> Row:
    """Create or update the row of this slug, and count which."""
    row = known.get(values["slug"])
    if row is None:
        row = known[values["slug"]] = table(**values, **when_new)
        session.add(row)
        report.created += 1
    elif any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        report.changed += 1
    else:
        report.unchanged += 1
    return row


def _person_ids(session: Session, people: dict[str, Person], names: list[str]) -> list[int]:
    for name in names:
        if slug_of(name) not in people:
            people[slug_of(name)] = person = Person(slug=slug_of(name), name=name)
            session.add(person)
    session.flush()
    return [people[slug_of(name)].id for name in names]


def _set_links(session: Session, table: Any, owner: str, owner_id: int, target: str, ids: list[int]) -> None:
    """Make the link table hold exactly these targets, in this order."""
    columns = table.__table__.c
    ordered = "position" in columns
    query = select(columns[target]).where(columns[owner] == owner_id)
    if ordered:
        query = query.order_by(columns.position)
    present = list(session.scalars(query))
    if present == ids or (not ordered and set(present) == set(ids)):
        return
    session.execute(delete(table).where(columns[owner] == owner_id))
    rows = [{owner: owner_id, target: id_} | ({"position": place} if ordered else {}) for place, id_ in enumerate(ids)]
    if rows:
        session.execute(insert(table), rows)


Rule = tuple[Callable[[Any], bool], str]


def _is_text(longest: int, empty: bool = False) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, str) and len(value) <= longest and "\0" not in value and (empty or bool(value.strip()))

    return fits, f"is no text of {'0' if empty else '1'} to {longest} characters"


def _is_number(lowest: int, highest: int) -> Rule:
    return (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest,
        f"is no whole number from {lowest} to {highest}",
    )


def _is_list(pattern: re.Pattern[str], most: int, least: int = 0) -> Rule:
    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and least <= len(value) <= most
            and len(set(map(str, value))) == len(value)
            and all(isinstance(part, str) and pattern.fullmatch(part) for part in value)
        )

    return fits, f"is no list of {least} to {most} different values of the form {pattern.pattern}"


def _is_slug() -> Rule:
    return lambda value: isinstance(value, str) and SLUG.fullmatch(value) is not None, "is no slug such as la-sociale"


def _optional(rule: Rule) -> Rule:
    fits, complaint = rule
    return lambda value: value is None or fits(value), complaint


def _is_day(value: Any) -> bool:
    try:
        return date.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


NAME = re.compile(r"[^\x00-\x1f]{1,200}")

FILM_RULES: dict[str, Rule] = {
    "slug": _optional(_is_slug()),
    "title": _is_text(300),
    "year": _is_number(1888, 2100),
    "minutes": _is_number(1, 6000),
    "countries": _is_list(COUNTRY_CODE, 20),
    "directors": _is_list(NAME, 50, least=1),
    "languages": _is_list(LANGUAGE_CODE, 20),
    "themes": _optional(_is_list(SLUG, 20)),
    "age": _optional((lambda value: value in AGES, f"is none of {AGES}")),
    "visa": _optional(_is_text(20)),
    "released_on": _optional((_is_day, "is no day such as 2019-04-03")),
    "rent_cents": _optional(_is_number(50, 100_000)),
    "buy_cents": _optional(_is_number(50, 100_000)),
    "tagline_fr": _optional(_is_text(300, empty=True)),
    "tagline_en": _optional(_is_text(300, empty=True)),
    "synopsis_fr": _optional(_is_text(20_000, empty=True)),
    "synopsis_en": _optional(_is_text(20_000, empty=True)),
}
FILM_COLUMNS = [name for name in FILM_RULES if name not in ("directors", "themes")]

THEME_RULES: dict[str, Rule] = {"slug": _is_slug(), "name_fr": _is_text(100), "name_en": _is_text(100)}

COLLECTION_RULES: dict[str, Rule] = {
    "slug": _is_slug(),
    "kind": (lambda value: value in ("director", "theme", "festival"), "is none of director, theme, festival"),
    "title_fr": _is_text(200),
    "title_en": _is_text(200),
    "lead_fr": _is_text(500),
    "lead_en": _is_text(500),
    "intro_fr": _is_text(2_000),
    "intro_en": _is_text(2_000),
    "more_fr": _is_text(20_000),
    "more_en": _is_text(20_000),
    "films": _is_list(SLUG, 5_000),
}


def _complaints(record: Any, rules: dict[str, Rule]) -> list[str]:
    if not isinstance(record, dict):
        return ["is no record"]
    reasons = [f"«{name}» {complaint}" for name, (fits, complaint) in rules.items() if not fits(record.get(name))]
    return reasons + [f"«{name}» is no field" for name in record if name not in rules]


def _complete(record: dict[str, Any]) -> dict[str, Any]:
    """The record with what it may leave out."""
    texts = {name: record.get(name) or "" for name in ("tagline_fr", "tagline_en", "synopsis_fr", "synopsis_en")}
    return (
        {name: record.get(name) for name in FILM_RULES}
        | texts
        | {
            "slug": record.get("slug") or slug_of(record["title"]),
            "themes": record.get("themes") or [],
            "age": record.get("age") or 0,
            "released_on": date.fromisoformat(record["released_on"]) if record.get("released_on") else None,
        }
    )


def _film_complaints(record: dict[str, Any], theme_ids: dict[str, int], seen: set[str]) -> list[str]:
    reasons = [f"«themes» names {slug}, which is unknown" for slug in record["themes"] if slug not in theme_ids]
    if record["slug"] in seen:
        reasons.append(f"«slug» {record['slug']} stands in the file already")
    if not record["slug"]:
        reasons.append("«slug» is missing and the title gives none")
    return reasons


def _refusal(kind: str, number: int, record: Any, reasons: list[str]) -> str:
    name = record.get("title") or record.get("slug") if isinstance(record, dict) else None
    return f"{kind} {number}{f' ({str(name)[:60]})' if name else ''}: {'; '.join(reasons)}"
