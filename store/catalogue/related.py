"""« Dans le même esprit »: the films that go with a film."""

from sqlalchemy import BindParameter, Integer, Subquery, bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session

from store.catalogue.browse import HANGS, NEWEST_FIRST, FilmCard, cards_of, cards_query
from store.catalogue.facets import THEME
from store.catalogue.models import CollectionFilm, Film, FilmDirector, FilmFacet, FilmTheme, Theme

RELATED_COUNT = 5
NEIGHBOURS = 100
"""Films of a collection or theme that are looked at, the newest ones: the time is bounded however many films there are."""

SHARED_AT_MOST = 4
"""Collections and themes of a film that are asked."""


def related_films(session: Session, film_id: int) -> list[FilmCard]:
    """Five films in the same spirit: those that share most collections and themes with it, then the newest."""
    return cards_of(session, _RELATED, {"film_id": film_id})


def _closest(film_id: BindParameter[int]) -> Subquery:
    """The films that share collections (which weigh double) and themes with this one; the newest weigh nothing, but fill up."""
    newest = (
        select(Film.id, literal(0).label("weight"))
        .where(HANGS)
        .order_by(*NEWEST_FIRST)
        .limit(RELATED_COUNT + 1)
        .subquery()
    )
    near = [
        *(_neighbours_in_collection(film_id, place) for place in range(SHARED_AT_MOST)),
        *(_neighbours_by_theme(film_id, place) for place in range(SHARED_AT_MOST)),
    ]
    shared = union_all(*map(select, near), select(newest)).subquery()
    closeness = func.sum(shared.c.weight).label("closeness")
    return (
        select(shared.c.film_id, closeness)
        .where(shared.c.film_id != film_id, shared.c.film_id.not_in(select(Film.id).where(Film.is_over)))
        .group_by(shared.c.film_id)
        .order_by(closeness.desc(), shared.c.film_id.desc())
        .limit(RELATED_COUNT)
        .subquery()
    )


def _neighbours_in_collection(film_id: BindParameter[int], place: int) -> Subquery:
    """The newest films of one of the film's collections: the first, the second, …"""
    its = select(CollectionFilm.collection_id).where(CollectionFilm.film_id == film_id)
    this_one = its.order_by(CollectionFilm.collection_id).limit(1).offset(place).scalar_subquery()
    theirs = select(CollectionFilm.film_id, literal(2).label("weight")).where(CollectionFilm.collection_id == this_one)
    return theirs.order_by(CollectionFilm.film_id.desc()).limit(NEIGHBOURS).subquery()


def _neighbours_by_theme(film_id: BindParameter[int], place: int) -> Subquery:
    """The same of its themes."""
    its = select(Theme.slug).join(FilmTheme, FilmTheme.theme_id == Theme.id).where(FilmTheme.film_id == film_id)
    this_one = its.order_by(FilmTheme.theme_id).limit(1).offset(place).scalar_subquery()
    theirs = select(FilmFacet.film_id, literal(1).label("weight")).where(
        FilmFacet.facet == THEME, FilmFacet.value == this_one
    )
    return theirs.order_by(FilmFacet.film_id.desc()).limit(NEIGHBOURS).subquery()


_CLOSEST = _closest(bindparam("film_id", type_=Integer))
_RELATED = (
    cards_query()
    .join(_CLOSEST, _CLOSEST.c.film_id == Film.id)
    .order_by(_CLOSEST.c.closeness.desc(), Film.id.desc(), FilmDirector.position)
)
