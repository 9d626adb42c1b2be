"""By what the wall of films can be filtered: facets, their values, and how many films each would leave.

A film stands under each of its values in `film_facet`. Counts come from sets of bits, one for each value, a bit for each
film: they are read once for each version of the catalogue and each process, and then any combination is counted within a
millisecond, at 100,000 films too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_

from flask import current_app
from sqlalchemy import ColumnElement, bindparam, func, select, true
from sqlalchemy import and_ as sql_and
from sqlalchemy.orm import Session

from store.catalogue.models import Film, FilmDirector, FilmFacet, Person, Theme

THEME, DIRECTOR, COUNTRY, LANGUAGE = "theme", "realisation", "pays", "langue"
SUBTITLES, DECADE, LENGTH, ACCESS = "soustitres", "decennie", "duree", "acces"
FACETS = (THEME, DIRECTOR, COUNTRY, LANGUAGE, SUBTITLES, DECADE, LENGTH, ACCESS)

LENGTHS = (("moins-30", 0, 29), ("30-60", 30, 60), ("60-90", 61, 90), ("plus-90", 91, None))
"""Value, shortest, longest, in minutes."""

FEW = 1_000
"""Films that are named one by one in a query, rather than sought among all."""

DIRECTORS_COUNTED = 24
"""Of tens of thousands, those with most films are offered and counted; any other can be asked for by its address."""

Chosen = Mapping[str, tuple[str, ...]]
"""The values that were chosen, by facet: a film has one of them in every facet named."""


def facets_of(film: Film, theme_slugs: Iterable[str], director_slugs: Iterable[str]) -> Iterator[tuple[str, str]]:
    """All pairs of facet and value of a film."""
    yield from ((THEME, slug) for slug in theme_slugs)
    yield from ((DIRECTOR, slug) for slug in director_slugs)
    yield from ((COUNTRY, code) for code in film.countries)
    yield from ((LANGUAGE, code) for code in film.languages)
    yield from ((SUBTITLES, code) for code in film.subtitles)
    yield from ((ACCESS, kind) for kind in film.access)
    yield DECADE, str(film.year // 10 * 10)
    yield LENGTH, next(value for value, _, longest in LENGTHS if longest is None or film.minutes <= longest)


def condition(facets: Iterable[str]) -> ColumnElement[bool]:
    """What a film must fulfil to have one of the chosen values in each of these facets; the values are parameters named by them.

    It is asked film by film, in the order of the wall, until a page is full.
    """
    stands = select(FilmFacet.film_id).where(FilmFacet.film_id == Film.id)
    having = (
        stands.where(FilmFacet.facet == facet, FilmFacet.value.in_(bindparam(facet, expanding=True))).exists()
        for facet in facets
    )
    return sql_and(true(), *having)


@dataclass(frozen=True)
class FacetIndex:
    """Sets of films, as the bits of whole numbers, of a version of the catalogue: `sets[facet][value]`, and `everything`.

    `names[facet, value]` has the words for themes and directors, by language.
    """

    version: int
    everything: int
    sets: Mapping[str, Mapping[str, int]]
    names: Mapping[tuple[str, str], Mapping[str, str]]

    def count(self, chosen: Chosen) -> int:
        """How many films fulfil what is chosen."""
        return self._kept(self._unions(chosen)).bit_count()

    def few(self, chosen: Chosen) -> list[int] | None:
        """The ids of the films that fulfil what is chosen, if they are few; None if they are many, or nothing is chosen."""
        kept = self._kept(self._unions(chosen))
        return [*_places(kept)] if chosen and kept.bit_count() <= FEW else None

    def counts(self, chosen: Chosen) -> dict[str, dict[str, int]]:
        """How many films each value leaves beside what is chosen in the other facets; a value without any is left out."""
        unions = self._unions(chosen)
        counted = {}
        for facet, values in self.sets.items():
            kept = self._kept({other: films for other, films in unions.items() if other != facet})
            counts = ((value, (films & kept).bit_count()) for value, films in values.items())
            counted[facet] = {value: count for value, count in counts if count or value in chosen.get(facet, ())}
        return counted

    def with_director(self, slug: str, name: str, films: int) -> "FacetIndex":
        """The same with one director more."""
        sets = {**self.sets, DIRECTOR: {**self.sets[DIRECTOR], slug: films}}
        return replace(self, sets=sets, names={**self.names, (DIRECTOR, slug): {"fr": name, "en": name}})

    def _unions(self, chosen: Chosen) -> dict[str, int]:
        return {
            facet: reduce(or_, (self.sets[facet].get(value, 0) for value in values), 0)
            for facet, values in chosen.items()
        }

    def _kept(self, unions: Mapping[str, int]) -> int:
        return reduce(and_, unions.values(), self.everything)


def index_for(session: Session, version: int, chosen: Chosen) -> FacetIndex:
    """The sets of this version, read if this process has them not yet, and those of every director that is chosen."""
    index: FacetIndex | None = current_app.extensions.get("facet_index")
    if index is None or index.version != version:
        index = current_app.extensions["facet_index"] = _read_index(session, version)
    missing = [slug for slug in chosen.get(DIRECTOR, ()) if slug not in index.sets[DIRECTOR]]
    for slug, (name, films) in (_films_of(session, missing) if missing else {}).items():
        index = index.with_director(slug, name, films)
    return index


def _read_index(session: Session, version: int) -> FacetIndex:
    most_filmed = (
        select(FilmFacet.value)
        .where(FilmFacet.facet == DIRECTOR)
        .group_by(FilmFacet.value)
        .order_by(func.count().desc(), FilmFacet.value)
        .limit(DIRECTORS_COUNTED)
    )
    sets = _read_sets(session, (FilmFacet.facet != DIRECTOR) | FilmFacet.value.in_(most_filmed))
    everything = reduce(or_, sets.get(LENGTH, {}).values(), 0)  # every film has one length
    names = {
        (THEME, theme.slug): {"fr": theme.name_fr, "en": theme.name_en} for theme in session.scalars(select(Theme))
    }
    people = select(Person.slug, Person.name).where(Person.slug.in_(sets.get(DIRECTOR, {})))
    names |= {(DIRECTOR, slug): {"fr": name, "en": name} for slug, name in session.execute(people)}
    return FacetIndex(version, everything, {facet: sets.get(facet, {}) for facet in FACETS}, names)


def _films_of(session: Session, directors: list[str]) -> dict[str, tuple[str, int]]:
    """Name and set of films of each of these directors."""
    query = (
        select(Person.slug, Person.name, FilmDirector.film_id)
        .join(FilmDirector, FilmDirector.person_id == Person.id)
        .where(Person.slug.in_(directors))
    )
    found: dict[str, tuple[str, int]] = {}
    for slug, name, film_id in session.execute(query):
        found[slug] = name, found.get(slug, (name, 0))[1] | 1 << film_id
    return found


def _read_sets(session: Session, *conditions: ColumnElement[bool]) -> dict[str, dict[str, int]]:
    """The sets of these facets and values; bit n is the film with id n."""
    bits: dict[tuple[str, str], bytearray] = defaultdict(bytearray)
    for facet, value, film_id in session.execute(
        select(FilmFacet.facet, FilmFacet.value, FilmFacet.film_id).where(*conditions)
    ):
        _set_bit(bits[facet, value], film_id)
    sets: dict[str, dict[str, int]] = defaultdict(dict)
    for (facet, value), films in bits.items():
        sets[facet][value] = int.from_bytes(films, "little")
    return sets


def _places(films: int) -> Iterator[int]:
    """Where the bits are that are set."""
    for at, byte in enumerate(films.to_bytes((films.bit_length() + 7) // 8, "little")):
        if byte:
            yield from (8 * at + place for place in range(8) if byte >> place & 1)


def _set_bit(bits: bytearray, place: int) -> None:
    at = place >> 3
    if at >= len(bits):
        bits.extend(bytes(at + 1 - len(bits)))
    bits[at] |= 1 << (place & 7)
