"""`films export`: the catalogue as a file that `films import` reads, in the house's order."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.catalogue.import_rules import COLLECTION_RULES, FILM_RULES, THEME_RULES
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

BATCH = 500


def export_catalogue(session: Session, path: Path) -> int:
    """Write the file, JSON or, with films alone, CSV by its ending; returns the number of films."""
    films = list(_films(session))
    if path.suffix.lower() == ".csv":
        _write_csv(path, films)
    else:
        document = {
            "themes": _records(session, Theme, [*THEME_RULES]),
            "films": films,
            "collections": _collections(session),
            "home": session.scalar(select(HomePage.content).order_by(HomePage.id.desc()).limit(1)),
        }
        kept = {name: part for name, part in document.items() if part is not None}
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return len(films)


def _films(session: Session) -> Iterator[dict[str, Any]]:
    """The films, newest first: read again they hang in the same order."""
    newest_first = select(Film).order_by(Film.added_at.desc(), Film.id.desc())
    for films in session.scalars(newest_first.execution_options(yield_per=BATCH)).partitions():
        ids = [film.id for film in films]
        directors = _linked(session, select(FilmDirector.film_id, Person.name).join(Person), FilmDirector, ids)
        themes = _linked(session, select(FilmTheme.film_id, Theme.slug).join(Theme), FilmTheme, ids)
        for film in films:
            linked = {"directors": directors.get(film.id, []), "themes": themes.get(film.id, [])}
            yield {name: linked[name] if name in linked else _plain(getattr(film, name)) for name in FILM_RULES}


def _collections(session: Session) -> list[dict[str, Any]]:
    slugs = select(CollectionFilm.collection_id, Film.slug).join(Film)
    films = _linked(session, slugs, CollectionFilm, None)
    notes = _notes(session)
    ordered = session.scalars(select(Collection).order_by(Collection.position, Collection.id))
    records = []
    for collection in ordered:
        linked = {"films": films.get(collection.id, []), "notes": notes.get(collection.id)}
        fields = {name: linked[name] if name in linked else getattr(collection, name) for name in COLLECTION_RULES}
        records.append({name: value for name, value in fields.items() if value is not None})
    return records


def _notes(session: Session) -> dict[int, dict[str, dict[str, str]]]:
    """What is said of the films of each collection, by slug."""
    columns = (CollectionFilm.collection_id, Film.slug, CollectionFilm.note_fr, CollectionFilm.note_en)
    said = (CollectionFilm.note_fr != "") | (CollectionFilm.note_en != "")
    found: dict[int, dict[str, dict[str, str]]] = {}
    for row in session.execute(select(*columns).join(Film).where(said).order_by(CollectionFilm.position)):
        found.setdefault(row.collection_id, {})[row.slug] = {"fr": row.note_fr, "en": row.note_en}
    return found


def _linked(session: Session, query: Any, links: Any, film_ids: list[int] | None) -> dict[int, list[str]]:
    """What each owner is linked to, in its order."""
    if film_ids is not None:
        query = query.where(links.film_id.in_(film_ids))
    order = links.position if hasattr(links, "position") else Theme.slug
    found: dict[int, list[str]] = {}
    for owner_id, name in session.execute(query.order_by(order)):
        found.setdefault(owner_id, []).append(name)
    return found


def _records(session: Session, table: Any, names: list[str]) -> list[dict[str, Any]]:
    rows = session.scalars(select(table).order_by(table.slug))
    return [{name: getattr(row, name) for name in names} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write_csv(path: Path, films: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*FILM_RULES])
        writer.writeheader()
        for film in films:
            writer.writerow({name: ";".join(v) if isinstance(v, list) else v for name, v in film.items()})
