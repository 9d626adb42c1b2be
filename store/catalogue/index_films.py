"""What films, people and collections are found by: words with their weight, and facets. Written where they are written.

The index is three plain tables that both databases read in the same way; `docs/search.md` says why.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from store.catalogue.facets import facets_of
from store.catalogue.fold import grams_of, sorting_title, words_of
from store.catalogue.models import (
    CatalogueIndex,
    Collection,
    Film,
    FilmDirector,
    FilmFacet,
    FilmTheme,
    Person,
    SearchEntry,
    SearchGram,
    SearchWord,
    Theme,
)
from store.db import insert_if_absent, table_of
from store.prepared import Prepared
from store.shown import move_on

FILM, PERSON, COLLECTION = "film", "person", "collection"
EDITION = 1
"""Of the rules below: where it moves, the worker writes the whole index anew."""

TITLE, PERSONS_NAME, COLLECTIONS_TITLE, DIRECTOR, THEME, TAGLINE = 1000, 900, 950, 200, 150, 60
BATCH = 500
"""Rows a statement: far under the 32,766 values that SQLite takes."""

WORD = table_of(SearchWord)
KNOWN_WORDS = select(WORD.c.word, WORD.c.id).where(WORD.c.word.in_(bindparam("words", expanding=True)))

WORD_ROWS = Prepared(insert_if_absent(WORD, WORD.c.word))
GRAM_ROWS, ENTRY_ROWS, FACET_ROWS = (
    Prepared(insert(table_of(table))) for table in (SearchGram, SearchEntry, FilmFacet)
)
COUNTS = Prepared(
    update(WORD)
    .where(WORD.c.id == bindparam("counted"))
    .values(entries=WORD.c.entries + bindparam("change", type_=Integer))
)
"""Rows come by the hundred thousand: they go to the driver as they are."""

Weights = Mapping[str, int]


def hold_index(session: Session) -> None:
    """Let nobody else write the index until the transaction ends: who writes it anew takes words away that others enter.

    Who changes films before holds it before them, as everybody does: so no two wait for each other.
    """
    session.execute(select(CatalogueIndex.id).with_for_update(key_share=True))


def index_everything(session: Session) -> None:
    """Write the whole index anew, by the rules of this edition."""
    hold_index(session)
    for table in (SearchEntry, SearchGram, SearchWord, FilmFacet):
        session.execute(delete(table))
    for ids in _batches(session.scalars(select(Film.id).order_by(Film.id)).all()):
        index_films(session, ids)
    for ids in _batches(session.scalars(select(Person.id).order_by(Person.id)).all()):
        index_people(session, ids)
    index_collections(session, session.scalars(select(Collection.id)).all())
    session.execute(update(CatalogueIndex).values(edition=EDITION))
    move_on(session)


def is_indexed(session: Session) -> bool:
    """Whether the index was written by the rules of this edition."""
    return session.scalar(select(CatalogueIndex.edition)) == EDITION


def index_films(session: Session, film_ids: Sequence[int]) -> None:
    """Write what these films are found by: words, facets, the key by which their titles are sorted."""
    hold_index(session)
    films = session.scalars(select(Film).where(Film.id.in_(film_ids))).all()
    directors = _names(session, FilmDirector, Person, film_ids)
    themes = _names(session, FilmTheme, Theme, film_ids)
    session.execute(delete(FilmFacet).where(FilmFacet.film_id.in_(film_ids)))
    facets: list[dict[str, Any]] = []
    words: dict[int, Weights] = {}
    for film in films:
        film.sort_title = sorting_title(film.title)
        pairs = () if film.is_over else facets_of(film, _slugs(themes, film.id), _slugs(directors, film.id))
        facets += [{"facet": facet, "value": value, "film_id": film.id} for facet, value in dict.fromkeys(pairs)]
        words[film.id] = _words_of_film(film, directors.get(film.id, []), themes.get(film.id, []))
    session.flush()
    _write(session, FACET_ROWS, facets)
    _write_entries(session, FILM, words)


def index_people(session: Session, person_ids: Sequence[int]) -> None:
    """Write what these people are found by."""
    people = session.scalars(select(Person).where(Person.id.in_(person_ids)))
    _write_entries(session, PERSON, {person.id: _weights((person.name, PERSONS_NAME)) for person in people})


def index_collections(session: Session, collection_ids: Sequence[int]) -> None:
    """Write what these collections are found by, in both languages."""
    found = session.scalars(select(Collection).where(Collection.id.in_(collection_ids)))
    texts = {one.id: [(text, COLLECTIONS_TITLE) for text in {one.title_fr, one.title_en}] for one in found}
    _write_entries(session, COLLECTION, {id_: _weights(*weighted) for id_, weighted in texts.items()})


def _words_of_film(film: Film, directors: Sequence[Person], themes: Sequence[Theme]) -> Weights:
    return _weights(
        (film.title, TITLE),
        *((person.name, DIRECTOR) for person in directors),
        *((name, THEME) for theme in themes for name in {theme.name_fr, theme.name_en}),
        *((tagline, TAGLINE) for tagline in (film.tagline_fr, film.tagline_en)),
    )


def _weights(*texts: tuple[str, int]) -> Weights:
    """Each word with the weight of the texts that it stands in: the fewer the words of a text, the more each of them tells."""
    weights: Counter[str] = Counter()
    for text, weight in texts:
        words = words_of(text)
        for word in words:
            weights[word] += round(weight / math.sqrt(len(words)))
    return weights


def _write_entries(session: Session, kind: str, subjects: Mapping[int, Weights]) -> None:
    """Put these entries in the place of those that the subjects had."""
    hold_index(session)
    mine = (SearchEntry.kind == kind) & SearchEntry.subject_id.in_(subjects)
    before = select(SearchEntry.word_id, func.count()).where(mine).group_by(SearchEntry.word_id)
    changes = Counter({word_id: -count for word_id, count in session.execute(before)})
    session.execute(delete(SearchEntry).where(mine))
    ids = _word_ids(session, {word for weights in subjects.values() for word in weights})
    entries: list[dict[str, Any]] = [
        {"word_id": ids[word], "kind": kind, "subject_id": subject_id, "weight": weight}
        for subject_id, weights in subjects.items()
        for word, weight in weights.items()
    ]
    _write(session, ENTRY_ROWS, entries)
    changes.update(entry["word_id"] for entry in entries)
    _count(session, changes)


def _count(session: Session, changes: Mapping[int, int]) -> None:
    """Note how many entries more, or fewer, each word has."""
    counted = [{"counted": word_id, "change": change} for word_id, change in sorted(changes.items()) if change]
    _write(session, COUNTS, counted)


def _word_ids(session: Session, words: Iterable[str]) -> dict[str, int]:
    """The ids of the words; unknown ones get one, and their grams."""
    ids: dict[str, int] = {}
    connection = session.connection()
    for some in _batches(sorted(words)):
        ids |= dict(connection.execute(KNOWN_WORDS, {"words": some}).all())
        new = [word for word in some if word not in ids]
        if new:
            _write(session, WORD_ROWS, [{"word": word, "entries": 0} for word in new])
            added = dict(connection.execute(KNOWN_WORDS, {"words": new}).all())
            grams = [{"gram": gram, "word_id": id_} for word, id_ in added.items() for gram in grams_of(word)]
            _write(session, GRAM_ROWS, grams)
            ids |= added
    return ids


def _names(session: Session, links: Any, named: Any, film_ids: Sequence[int]) -> dict[int, list[Any]]:
    """The people or themes of each film."""
    found: dict[int, list[Any]] = {}
    for film_id, one in session.execute(select(links.film_id, named).join(named).where(links.film_id.in_(film_ids))):
        found.setdefault(film_id, []).append(one)
    return found


def _slugs(named: Mapping[int, Sequence[Any]], film_id: int) -> Iterator[str]:
    return (one.slug for one in named.get(film_id, []))


def _write(session: Session, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        statement.execute_many(session.connection(), rows)


def _batches(rows: Sequence[Any]) -> Iterator[list[Any]]:
    return ([*rows[at : at + BATCH]] for at in range(0, len(rows), BATCH))
