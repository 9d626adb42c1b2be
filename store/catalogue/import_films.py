"""`films import`: a catalogue from a file. Good lines go in, in one transaction; each bad one is named with its reason.

JSON holds `films`, `themes`, `collections` and `home`; CSV holds films alone, lists separated by semicolons. Slugs are the
stable keys: a record whose slug is known updates, and a second import of one file changes nothing.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Several
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store.catalogue.import_rules import COLLECTION_RULES, FILM_RULES, THEME_RULES, complaints
from store.catalogue.index_films import hold_index, index_collections, index_films, index_people
from store.catalogue.map_columns import Way, mapped
from store.catalogue.models import (
    Collection,
    CollectionFilm,
    Film,
    FilmDirector,
    FilmTheme,
    FormerSlug,
    Person,
    Theme,
)
from store.catalogue.set_home import BadHome, set_home
from store.catalogue.slugs import person_slug, slug_of
from store.catalogue.take_down import rehang
from store.clock import day_of
from store.db import table_of
from store.shown import move_on

LARGEST_FILE = 200 * 1024 * 1024
BATCH = 500
BETWEEN_NEIGHBOURS = timedelta(microseconds=1)
"""The first film of a file counts as the newest, though all come in at once."""

TEXTS = [f"{name}_{lang}" for name in ("tagline", "synopsis", "press") for lang in ("fr", "en")]
DAYS = ("released_on", "licensed_from", "licensed_until")
FILM_COLUMNS = [name for name in FILM_RULES if name not in ("directors", "themes")]


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


def read_catalogue(path: Path, mapping: Mapping[str, Way] | None = None) -> dict[str, Any]:
    """The records of a JSON or CSV file, unchecked, read by a mapping if there is one; raises Unreadable."""
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable(f"{path.name} is larger than {LARGEST_FILE} bytes")
    try:
        text = path.read_text(encoding="utf-8-sig")
        is_csv = path.suffix.lower() == ".csv"
        document = _csv_rows(text) if is_csv else json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise Unreadable(f"{path.name}: {error}") from None
    if isinstance(document, list):
        document = {"films": document}
    if not isinstance(document, dict) or not isinstance(document.get("films", []), list):
        raise Unreadable(f"{path.name}: neither a list of films nor an object with «films»")
    if mapping:
        return {"films": [mapped(record, mapping) for record in document.get("films", [])]}
    return {"films": _csv_films(document["films"])} if is_csv else document


def import_catalogue(
    session: Session, document: dict[str, Any], at: datetime, show: Callable[[int], None] = lambda done: None
) -> Report:
    """Write the records; the caller's transaction makes it all or nothing. `show` hears how many films were looked at."""
    report = Report()
    hold_index(session)
    theme_ids = _import_themes(session, document.get("themes", []), report)
    seen: set[str] = set()
    records = document.get("films", [])
    for first in range(0, len(records), BATCH):
        numbered = list(enumerate(records[first : first + BATCH], start=first + 1))
        _import_films(session, numbered, theme_ids, seen, report, at)
        show(first + len(numbered))
    _import_collections(session, document.get("collections", []), report)
    if "home" in document:
        _import_home(session, document["home"], report)
    rehang(session, day_of(at))
    move_on(session)
    return report


def _csv_rows(text: str) -> list[dict[str, str]]:
    """Its lines under the names of the first one; what has no name is left aside."""
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    return [{name: value or "" for name, value in row.items() if name} for row in rows]


def _csv_films(rows: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    lists = {"access", "countries", "directors", "languages", "territories", "themes"}
    may_miss = {"territories"}
    numbers = {"year", "minutes", "age", "rent_cents", "buy_cents"}

    def typed(name: str, value: str) -> Any:
        if name in lists:
            return [part.strip() for part in value.split(";") if part.strip()] or (None if name in may_miss else [])
        if name in numbers and re.fullmatch(r"-?\d{1,9}", value.strip()):
            return int(value)
        return value or None

    return [{name: typed(name, value) for name, value in row.items()} for row in rows]


def _import_themes(session: Session, records: Iterable[Any], report: Report) -> dict[str, int]:
    known = {theme.slug: theme for theme in session.scalars(select(Theme))}
    renamed = []
    for number, record in enumerate(records, start=1):
        reasons = complaints(record, THEME_RULES)
        if reasons:
            report.refused.append(_refusal("theme", number, record, reasons))
            continue
        theme, is_changed = _put(session, Theme, known, {name: record[name] for name in THEME_RULES}, report)
        renamed += [theme.id] if is_changed and theme.id else []
    session.flush()
    if renamed:
        index_films(session, session.scalars(select(FilmTheme.film_id).where(FilmTheme.theme_id.in_(renamed))).all())
    return {slug: theme.id for slug, theme in known.items()}


def _import_films(
    session: Session,
    records: Sequence[tuple[int, Any]],
    theme_ids: dict[str, int],
    seen: set[str],
    report: Report,
    at: datetime,
) -> None:
    """Write a batch of films, with their people and themes, and what they are found by."""
    good = _good_films(records, theme_ids, seen, report)
    known = _known_films(session, [record["slug"] for _, record in good])
    changed: dict[Film, dict[str, Any]] = {}
    films: dict[Film, dict[str, Any]] = {}
    for number, record in good:
        dated = at - number * BETWEEN_NEIGHBOURS
        values = {name: record[name] for name in FILM_COLUMNS}
        if record["slug"] in known:
            values["slug"] = known[record["slug"]].slug  # a former slug still names its film
        film, is_changed = _put(session, Film, known, values, report, added_at=dated, subtitles=[])
        films[film] = record
        if is_changed:
            changed[film] = record
    session.flush()
    person_ids = _person_ids(session, {name for record in films.values() for name in record["directors"]})
    relinked = _link(
        session,
        FilmDirector.person_id,
        {film.id: [person_ids[name] for name in record["directors"]] for film, record in films.items()},
    ) | _link(
        session,
        FilmTheme.theme_id,
        {film.id: [theme_ids[slug] for slug in record["themes"]] for film, record in films.items()},
    )
    index_films(session, sorted({film.id for film in changed} | relinked))


def _good_films(
    records: Sequence[tuple[int, Any]], theme_ids: dict[str, int], seen: set[str], report: Report
) -> list[tuple[int, dict[str, Any]]]:
    good = []
    for number, record in records:
        reasons = complaints(record, FILM_RULES)
        if not reasons:
            record = _complete(record)
            reasons = _film_complaints(record, theme_ids, seen)
        if reasons:
            report.refused.append(_refusal("film", number, record, reasons))
        else:
            seen.add(record["slug"])
            good.append((number, record))
    return good


def _known_films(session: Session, slugs: Sequence[str]) -> dict[str, Film]:
    """Those that exist, by the slug that the file calls them: it may be a former one."""
    films = {film.slug: film for film in session.scalars(select(Film).where(Film.slug.in_(slugs)))}
    former = select(FormerSlug.slug, Film).join(Film).where(FormerSlug.slug.in_(slugs))
    return dict(session.execute(former).all()) | films


def _import_collections(session: Session, records: Sequence[Any], report: Report) -> None:
    known = {collection.slug: collection for collection in session.scalars(select(Collection))}
    for number, record in enumerate(records, start=1):
        reasons = complaints(record, COLLECTION_RULES)
        film_ids = {} if reasons else {slug: film.id for slug, film in _known_films(session, record["films"]).items()}
        if not reasons:
            reasons = _collection_complaints(record, film_ids)
        if reasons:
            report.refused.append(_refusal("collection", number, record, reasons))
            continue
        columns = COLLECTION_RULES.keys() - {"films", "notes"}
        values = {name: record.get(name) for name in columns} | {"position": number}
        collection, is_changed = _put(session, Collection, known, values, report)
        session.flush()
        if is_changed:
            index_collections(session, [collection.id])
        _link(session, CollectionFilm.film_id, {collection.id: [film_ids[slug] for slug in record["films"]]})
        _write_notes(session, collection.id, film_ids, record.get("notes") or {})


def _collection_complaints(record: dict[str, Any], film_ids: dict[str, int]) -> list[str]:
    reasons = [f"«films» names {slug}, which is unknown" for slug in record["films"] if slug not in film_ids]
    reasons += [
        f"«notes» speaks of {slug}, which is none of «films»"
        for slug in record.get("notes") or {}
        if slug not in film_ids
    ]
    if (record["kind"] == "guest") != bool(record.get("guest")):
        reasons.append("«guest» names whose choice it is, in collections of the kind guest and in no others")
    return reasons


def _write_notes(session: Session, collection_id: int, film_ids: dict[str, int], notes: dict[str, Any]) -> None:
    """Say why each film hangs in the collection; of those of which nothing is said, nothing."""
    mine = CollectionFilm.collection_id == collection_id
    session.execute(update(CollectionFilm).where(mine).values(note_fr="", note_en=""))
    for slug, words in notes.items():
        sentence = {"note_fr": words.get("fr", ""), "note_en": words.get("en", "")}
        session.execute(update(CollectionFilm).where(mine, CollectionFilm.film_id == film_ids[slug]).values(sentence))


def _import_home(session: Session, content: Any, report: Report) -> None:
    try:
        set_home(session, content)
    except BadHome as error:
        report.refused.append(f"home: {error}")


def _put(
    session: Session, table: type[Row], known: dict[str, Row], values: dict[str, Any], report: Report, **when_new: Any
) -> tuple[Row, bool]:
    """Create or update the row of this slug, and count which; returns it, and whether it was new or changed."""
    row = known.get(values["slug"])
    if row is None:
        row = known[values["slug"]] = table(**values, **when_new)
        session.add(row)
        report.created += 1
        return row, True
    is_changed = any(getattr(row, name) != value for name, value in values.items())
    if is_changed:
        for name, value in values.items():
            setattr(row, name, value)
        report.changed += 1
    else:
        report.unchanged += 1
    return row, is_changed


def _person_ids(session: Session, names: Several[str]) -> dict[str, int]:
    """The ids of these people; whoever is unknown becomes known."""
    slugs = {name: person_slug(name) for name in names}
    asked = select(Person.slug, Person.id).where(Person.slug.in_(slugs.values()))
    ids = dict(session.execute(asked).all())
    new = {slug: name for name, slug in sorted(slugs.items(), reverse=True) if slug not in ids}
    if new:
        session.execute(insert(Person), [{"slug": slug, "name": name} for slug, name in new.items()])
        ids = dict(session.execute(asked).all())
        index_people(session, [ids[slug] for slug in new])
    return {name: ids[slug] for name, slug in slugs.items()}


def _link(session: Session, target: Any, wanted: dict[int, list[int]]) -> set[int]:
    """Make each owner's links to `target` these, in this order; returns the owners whose links were others before.

    The owner is the other column of the link table's primary key.
    """
    table = target.class_
    columns = table.__table__.c
    owner = next(column for column in table.__table__.primary_key if column.name != target.key)
    is_ordered = "position" in columns
    query = select(owner, columns[target.key]).where(owner.in_(wanted))
    present: dict[int, list[int]] = {owner_id: [] for owner_id in wanted}
    for owner_id, target_id in session.execute(query.order_by(columns.position) if is_ordered else query):
        present[owner_id].append(target_id)
    order: Callable[[list[int]], list[int]] = list if is_ordered else sorted
    others = {owner_id for owner_id, ids in wanted.items() if order(present[owner_id]) != order(ids)}
    session.execute(delete(table).where(owner.in_(others)))
    rows = [
        {owner.name: owner_id, target.key: id_} | ({"position": place} if is_ordered else {})
        for owner_id in others
        for place, id_ in enumerate(wanted[owner_id])
    ]
    if rows:
        session.connection().execute(insert(table_of(table)), rows)
    return others


def _complete(record: dict[str, Any]) -> dict[str, Any]:
    """The record with what it may leave out."""
    texts = {name: record.get(name) or "" for name in TEXTS}
    return (
        {name: record.get(name) for name in FILM_RULES}
        | texts
        | {
            "slug": record.get("slug") or slug_of(record["title"]),
            "themes": record.get("themes") or [],
            "access": record.get("access") or [],
            "age": record.get("age") or 0,
        }
        | {name: date.fromisoformat(record[name]) if record.get(name) else None for name in DAYS}
    )


def _film_complaints(record: dict[str, Any], theme_ids: dict[str, int], seen: set[str]) -> list[str]:
    reasons = [f"«themes» names {slug}, which is unknown" for slug in record["themes"] if slug not in theme_ids]
    if record["slug"] in seen:
        reasons.append(f"«slug» {record['slug']} stands in the file already")
    if not record["slug"]:
        reasons.append("«slug» is missing and the title gives none")
    if record["licensed_from"] and record["licensed_until"] and record["licensed_until"] < record["licensed_from"]:
        reasons.append("«licensed_until» lies before «licensed_from»")
    return reasons


def _refusal(kind: str, number: int, record: Any, reasons: list[str]) -> str:
    name = record.get("title") or record.get("slug") if isinstance(record, dict) else None
    return f"{kind} {number}{f' ({str(name)[:60]})' if name else ''}: {'; '.join(reasons)}"
