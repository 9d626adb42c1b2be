"""The wall of films: what was chosen, in an order, one page at a time, however far down one is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Integer, Select, bindparam, select, tuple_
from sqlalchemy.orm import Session, aliased

from store.catalogue.browse import HANGS, FilmCard, cards_of, cards_query
from store.catalogue.facets import FACETS, Chosen, condition
from store.catalogue.models import Film, FilmDirector

PAGE = 48
MOST_VALUES = 12
LONGEST_VALUE = 100

SORTS: Mapping[str, tuple[Any, bool]] = MappingProxyType(
    {
        "nouveau": (Film.added_at, True),
        "titre": (Film.sort_title, False),
        "annee": (Film.year, True),
        "duree": (Film.minutes, False),
    }
)
"""What orders the films, and whether the greatest comes first."""


@dataclass(frozen=True)
class Choice:
    """What somebody asked of the wall: values by facet, an order, and the slug of the film after which to go on."""

    chosen: Chosen
    sort: str = "nouveau"
    after: str | None = None

    @classmethod
    def of(cls, values_of: Callable[[str], list[str]]) -> "Choice":
        """The choice of an address, whose parameters `values_of` gives; what makes no sense in it is passed over."""
        chosen = {facet: _some(values_of(facet)) for facet in FACETS}
        sort, after = (next(iter(values_of(name)), "") for name in ("tri", "apres"))
        return cls(
            {facet: values for facet, values in chosen.items() if values},
            sort if sort in SORTS else "nouveau",
            after[:LONGEST_VALUE].replace("\0", "") or None,
        )

    def address(self) -> str:
        """The address of this choice on the wall, the same for the same choice."""
        pairs = [(facet, value) for facet in FACETS for value in self.chosen.get(facet, ())]
        pairs += [("tri", self.sort)] if self.sort != "nouveau" else []
        pairs += [("apres", self.after)] if self.after else []
        return "/films" + ("?" + urlencode(pairs) if pairs else "")

    def toggled(self, facet: str, value: str) -> "Choice":
        """The same with this value, or without it if it was chosen; from the top."""
        before = self.chosen.get(facet, ())
        values = tuple(one for one in before if one != value) if value in before else _some([*before, value])
        chosen = {**self.chosen, facet: values}
        return replace(self, chosen={name: some for name, some in chosen.items() if some}, after=None)

    def sorted_by(self, sort: str) -> "Choice":
        """The same in another order, from the top."""
        return replace(self, sort=sort, after=None)

    def going_on(self, after: str | None) -> "Choice":
        """The same after this film; after None from the top."""
        return replace(self, after=after)


def films_chosen(
    session: Session, choice: Choice, few: Sequence[int] | None = None
) -> tuple[list[FilmCard], str | None]:
    """A page of the films, and the slug after which the next one begins: None on the last. One query.

    `few` are the ids of all films that were chosen, if somebody knows them: to find a few among many takes long.

    Goes on from the place of a film in the order, so that page 2,000 costs what page 2 does; a film that is unknown has none.
    """
    facets = frozenset(choice.chosen) if few is None else None
    query = _query(choice.sort, facets, choice.after is not None)
    films = cards_of(session, query, {**choice.chosen, "few": few, "after": choice.after, "count": PAGE + 1})
    return films[:PAGE], films[PAGE - 1].slug if len(films) > PAGE else None


@cache
def _query(sort: str, facets: frozenset[str] | None, goes_on: bool) -> Select[Any]:
    """The query of every choice of this shape: each of `facets` is a parameter, or else `few`, and so is `after` if it goes on."""
    key, greatest_first = SORTS[sort]
    order = (key.desc(), Film.id.desc()) if greatest_first else (key, Film.id)
    page = select(Film.id).where(_is_chosen(facets)).order_by(*order).limit(bindparam("count", type_=Integer))
    if goes_on:
        last = aliased(Film)
        place = select(getattr(last, key.key), last.id).where(last.slug == bindparam("after")).scalar_subquery()
        here = tuple_(key, Film.id)
        page = page.where(here < place if greatest_first else here > place)
    on_page = page.subquery()
    return cards_query().join(on_page, on_page.c.id == Film.id).order_by(*order, FilmDirector.position)


def _is_chosen(facets: frozenset[str] | None) -> ColumnElement[bool]:
    """What hangs no more has no facets: it is asked for where there are none."""
    if facets is None:
        return Film.id.in_(bindparam("few", expanding=True))
    return condition(facets) if facets else HANGS


def _some(values: list[str]) -> tuple[str, ...]:
    """Sorted, each once, at most so many: one choice has one address."""
    plain = {value for value in values if value and len(value) <= LONGEST_VALUE and "\0" not in value}
    return tuple(sorted(plain)[:MOST_VALUES])
