"""What visitors see of the catalogue: narrow reads, one query for each wall of films. `lang` is `fr` or `en`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Integer, Row, Select, bindparam, case, func, select
from sqlalchemy.orm import Session, aliased

from store.catalogue.licence import Bar, Licence
from store.catalogue.models import (
    Collection,
    CollectionFilm,
    Film,
    FilmDirector,
    FormerSlug,
    HomePage,
    Person,
)
from store.catalogue.posters import poster_url
from store.catalogue.prices import Prices, prices_of

HOME_COUNT = 5

HANGS = Film.is_over.is_(False)
"""The condition that a film hangs on walls."""

NEWEST_FIRST = (Film.added_at.desc(), Film.id.desc())


@dataclass(frozen=True)
class FilmCard:
    """A film on a wall."""

    slug: str
    title: str
    year: int
    minutes: int
    directors: list[str]

    @property
    def poster_url(self) -> str:
        """The address of its poster."""
        return poster_url(self)


@dataclass(frozen=True)
class CollectionName:
    """A collection in a list; `count` is the number of its films."""

    slug: str
    title: str
    kind: str
    count: int = 0


@dataclass(frozen=True)
class PersonName:
    """Somebody who made films."""

    slug: str
    name: str


@dataclass(frozen=True)
class FilmPage(FilmCard):
    """A film with everything that its page says."""

    id: int
    people: list[PersonName]
    countries: list[str]
    languages: list[str]
    subtitles: list[str]
    access: list[str]
    age: int
    visa: str | None
    tagline: str
    synopsis: str
    press: str
    prices: Prices
    recipe: str | None
    media_folder: str
    trailer: list[str] | None
    licence: Licence
    collections: list[CollectionName]

    @property
    def playable(self) -> bool:
        """Whether there is a version that can be played."""
        return self.recipe is not None

    @property
    def open_files(self) -> str:
        """Where the trailer, the test clip and a still of a film lie that can be played: open to all."""
        return f"/media/libre/{self.media_folder}/{self.recipe}"


@dataclass(frozen=True)
class CollectionPage:
    """A collection with its words; `intro` and `more` are Markdown."""

    name: CollectionName
    lead: str
    intro: str
    more: str
    guest: str | None
    others: list[CollectionName]


@dataclass(frozen=True)
class HungFilm(FilmCard):
    """A film of a collection; `note` says why it hangs there, or nothing."""

    note: str


@dataclass(frozen=True)
class Home:
    """What the home shows."""

    kicker: str | None
    week: FilmPage | None
    films: list[FilmCard]
    collections: list[CollectionName]


Named = TypeVar("Named", FilmCard, CollectionName)
Card = TypeVar("Card", bound=FilmCard)


def film_card(session: Session, slug: str) -> FilmCard | None:
    """The film with this slug as a card."""
    return next(iter(cards_of(session, _CARD, {"slug": slug})), None)


def film_page(session: Session, slug: str, lang: str, today: date) -> FilmPage | None:
    """The film with this slug, its directors and its collections, in one query; prices are today's."""
    rows = session.connection().execute(_film_query(lang), {"slug": slug}).all()
    return _film_page(rows, today) if rows else None


def collection_name(session: Session, slug: str, lang: str) -> CollectionName | None:
    """The collection with this slug, with its number of films."""
    row = session.execute(_collections_query(lang).where(Collection.slug == slug)).first()
    return _collection_name(row) if row else None


def former_slug(session: Session, slug: str) -> str | None:
    """The slug by which a film is known now that was public under this one."""
    return session.scalar(select(Film.slug).join(FormerSlug).where(FormerSlug.slug == slug))


def person_page(session: Session, slug: str) -> tuple[PersonName, list[FilmCard]] | None:
    """The person with this slug and the films that they directed, newest first; None if there is nobody."""
    films = cards_of(session, _FILMS_OF_PERSON, {"slug": slug})
    name = session.scalar(select(Person.name).where(Person.slug == slug))
    return (PersonName(slug, name), films) if name else None


def newest_films(session: Session, count: int) -> list[FilmCard]:
    """The films that came in last."""
    return cards_of(session, _NEWEST, {"count": count})


def all_collections(session: Session, lang: str) -> list[CollectionName]:
    """Every collection with its number of films, in the shop's order."""
    return [_collection_name(row) for row in session.connection().execute(_collections_query(lang))]


def collection_page(session: Session, slug: str, lang: str) -> CollectionPage | None:
    """The collection with this slug and the names of the others, in one query; None if there is none."""
    rows = session.connection().execute(_collection_query(lang), {"slug": slug}).all()
    found = next((row for row in rows if row.slug == slug), None)
    if found is None:
        return None
    others = [_collection_name(row) for row in rows if row.slug != slug]
    return CollectionPage(_collection_name(found), found.lead, found.intro, found.more, found.guest, others)


def films_of_collection(session: Session, slug: str, lang: str) -> list[HungFilm]:
    """The collection's films, in its order."""
    rows = session.connection().execute(_films_of_collection(lang), {"slug": slug})
    return _cards(rows, lambda slug, title, year, minutes, note: HungFilm(slug, title, year, minutes, [], note))


def home(session: Session, lang: str, today: date) -> Home:
    """What was chosen for the home; where nothing was, the newest films and all collections."""
    content: dict[str, Any] = session.connection().execute(_HOME_PAGE).scalar() or {}
    slugs = content.get("films", [])[:HOME_COUNT]
    films = _home_films(session, slugs)
    chosen = [content["film"]] if content.get("film") else []
    week = _first_on_offer(session, [*chosen, *(film.slug for film in films)], lang, today)
    return Home(
        kicker=content.get(f"kicker_{lang}"),
        week=week,
        films=[film for film in films if not week or film.slug != week.slug][:HOME_COUNT],
        collections=_in_order(all_collections(session, lang), content.get("collections", [])),
    )


def _first_on_offer(session: Session, slugs: list[str], lang: str, today: date) -> FilmPage | None:
    pages = (film_page(session, slug, lang, today) for slug in slugs)
    return next((page for page in pages if page and page.licence.bar_of_days(today) != Bar.OVER), None)


def _home_films(session: Session, slugs: list[str]) -> list[FilmCard]:
    if slugs:
        return _in_order(cards_of(session, _NAMED, {"slugs": slugs}), slugs)
    return newest_films(session, HOME_COUNT + 1)


def _in_order(found: list[Named], slugs: list[str]) -> list[Named]:
    """Those that `slugs` names, as it names them; all of them if it names none."""
    by_slug = {one.slug: one for one in found}
    return [by_slug[slug] for slug in slugs if slug in by_slug] if slugs else found


def cards_query(*more_columns: Any) -> Select[Any]:
    """A row for each film and director; order by FilmDirector.position last."""
    columns: tuple[Any, ...] = (Film.slug, Film.title, Film.year, Film.minutes, Person.name.label("director"))
    return (
        select(*columns, *more_columns)
        .outerjoin(FilmDirector, FilmDirector.film_id == Film.id)
        .outerjoin(Person, Person.id == FilmDirector.person_id)
    )


def cards_of(session: Session, query: Select[Any], asked: Mapping[str, Any]) -> list[FilmCard]:
    """The films of `cards_query()`, in its order, their directors together; `asked` are the query's parameters."""
    rows = session.connection().execute(query, asked)
    return _cards(rows, lambda slug, title, year, minutes: FilmCard(slug, title, year, minutes, []))


def _cards(rows: Iterable[Any], card_of: Callable[..., Card]) -> list[Card]:
    """A card for each film, its directors together; `card_of` gets slug, title, year, minutes, and what more a row holds."""
    cards: dict[str, Card] = {}
    for slug, title, year, minutes, director, *more in rows:
        card = cards.get(slug)
        if card is None:
            card = cards[slug] = card_of(slug, title, year, minutes, *more)
        if director:
            card.directors.append(director)
    return list(cards.values())


def _film_page(rows: Iterable[Row[Any]], today: date) -> FilmPage:
    """One film out of its rows, one for each pair of director and collection."""
    film, *_ = rows = list(rows)
    collections = {
        row.collection_slug: CollectionName(row.collection_slug, row.collection_title, row.collection_kind)
        for row in rows
        if row.collection_slug
    }
    people = list(dict.fromkeys(PersonName(row.director_slug, row.director) for row in rows if row.director))
    return FilmPage(
        slug=film.slug,
        title=film.title,
        year=film.year,
        minutes=film.minutes,
        directors=[person.name for person in people],
        id=film.id,
        people=people,
        countries=film.countries,
        languages=film.languages,
        subtitles=film.subtitles,
        access=film.access,
        age=film.age,
        visa=film.visa,
        tagline=film.tagline,
        synopsis=film.synopsis,
        press=film.press,
        prices=prices_of(film.minutes, film.released_on, film.rent_cents, film.buy_cents, today),
        recipe=film.recipe,
        media_folder=film.media_folder,
        trailer=film.trailer,
        licence=Licence(film.licensed_from, film.licensed_until, film.territories),
        collections=list(collections.values()),
    )


@cache
def _collection_query(lang: str) -> Select[Any]:
    """All collections, with the words of the one that is asked for."""
    texts = (
        case((Collection.slug == bindparam("slug"), in_language(lang, Collection, field))).label(field)
        for field in ("lead", "intro", "more")
    )
    return _collections_query(lang, *texts, Collection.guest)


@cache
def _collections_query(lang: str, *more_columns: Any) -> Select[Any]:
    title = in_language(lang, Collection, "title").label("title")
    count = (
        select(func.count())
        .select_from(CollectionFilm)
        .where(CollectionFilm.collection_id == Collection.id)
        .where(CollectionFilm.film_id.not_in(select(Film.id).where(Film.is_over)))
        .scalar_subquery()
        .label("film_count")
    )
    return select(Collection.slug, title, Collection.kind, count, *more_columns).order_by(
        Collection.position, Collection.id
    )


def _collection_name(row: Row[Any]) -> CollectionName:
    return CollectionName(row.slug, row.title, row.kind, row.film_count)


def in_language(lang: str, table: Any, field: str) -> Any:
    """The column that holds `field` in this language."""
    return getattr(table, f"{field}_{lang}")


@cache
def _film_query(lang: str) -> Select[Any]:
    columns: tuple[Any, ...] = (
        *(
            Film.id,
            Film.slug,
            Film.title,
            Film.year,
            Film.minutes,
            Film.countries,
            Film.languages,
            Film.subtitles,
            Film.access,
        ),
        *(Film.age, Film.visa, Film.released_on, Film.rent_cents, Film.buy_cents),
        *(Film.recipe, Film.media_folder.label("media_folder"), Film.trailer),
        *(Film.licensed_from, Film.licensed_until, Film.territories),
        in_language(lang, Film, "tagline").label("tagline"),
        in_language(lang, Film, "synopsis").label("synopsis"),
        in_language(lang, Film, "press").label("press"),
        Person.slug.label("director_slug"),
        Person.name.label("director"),
        Collection.slug.label("collection_slug"),
        in_language(lang, Collection, "title").label("collection_title"),
        Collection.kind.label("collection_kind"),
    )
    return (
        select(*columns)
        .outerjoin(FilmDirector, FilmDirector.film_id == Film.id)
        .outerjoin(Person, Person.id == FilmDirector.person_id)
        .outerjoin(CollectionFilm, CollectionFilm.film_id == Film.id)
        .outerjoin(Collection, Collection.id == CollectionFilm.collection_id)
        .where(Film.slug == bindparam("slug"))
        .order_by(FilmDirector.position, Collection.position)
    )


@cache
def _films_of_collection(lang: str) -> Select[Any]:
    return (
        cards_query(in_language(lang, CollectionFilm, "note"))
        .join(CollectionFilm, CollectionFilm.film_id == Film.id)
        .join(Collection, Collection.id == CollectionFilm.collection_id)
        .where(Collection.slug == bindparam("slug"), HANGS)
        .order_by(CollectionFilm.position, Film.id, FilmDirector.position)
    )


# Statements are built once: that takes SQLAlchemy many times as long as either database takes to answer them.

_SLUG: BindParameter[str] = bindparam("slug")

_CARD = cards_query().where(Film.slug == _SLUG).order_by(FilmDirector.position)
_NEWEST = (
    cards_query()
    .where(Film.id.in_(select(Film.id).where(HANGS).order_by(*NEWEST_FIRST).limit(bindparam("count", type_=Integer))))
    .order_by(*NEWEST_FIRST, FilmDirector.position)
)
_NAMED = (
    cards_query()
    .where(Film.slug.in_(bindparam("slugs", expanding=True)), HANGS)
    .order_by(*NEWEST_FIRST, FilmDirector.position)
)

_THEIRS = aliased(FilmDirector)
_FILMS_OF_PERSON = (
    cards_query()
    .join(_THEIRS, _THEIRS.film_id == Film.id)
    .where(_THEIRS.person_id == select(Person.id).where(Person.slug == _SLUG).scalar_subquery(), HANGS)
    .order_by(Film.year.desc(), Film.id.desc(), FilmDirector.position)
)
_HOME_PAGE = select(HomePage.content).order_by(HomePage.id.desc()).limit(1)
