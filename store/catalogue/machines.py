"""What machines read of the catalogue: a sitemap's addresses, a feed's films, a film's facts for search engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, func, literal, select, union_all
from sqlalchemy.orm import Session

from store.catalogue.browse import HANGS, CollectionPage, FilmCard, FilmPage, in_language
from store.catalogue.licence import Bar
from store.catalogue.models import Collection, Film, Person
from store.catalogue.posters import poster_url
from store.language import language, site

ADDRESSES_PER_SITEMAP = 20_000
"""In two languages; the protocol allows 50,000 (sitemaps.org/protocol.html)."""

FEED_LENGTH = 30


@dataclass(frozen=True)
class NewFilm:
    """A film in the feed."""

    slug: str
    title: str
    year: int
    tagline: str
    added_at: datetime


def sitemap_count(session: Session) -> int:
    """Into how many sitemaps the catalogue's addresses go: one at least."""
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in (Film, Person, Collection)]
    total = session.execute(select(*counts)).one()
    return max(1, -(-sum(total) // (ADDRESSES_PER_SITEMAP // 2)))


def sitemap_paths(session: Session, number: int) -> Sequence[str]:
    """The paths of sitemap `number`, from 1: collections, films, people."""
    size = ADDRESSES_PER_SITEMAP // 2
    rooms = (("/collections/", Collection, 1), ("/films/", Film, 2), ("/personnes/", Person, 3))
    every = union_all(
        *(
            select(
                (literal(room) + table.slug).label("path"), table.id.label("id"), literal(rank, Integer).label("rank")
            )
            for room, table, rank in rooms
        )
    ).subquery()
    query = select(every.c.path).order_by(every.c.rank, every.c.id).limit(size).offset((number - 1) * size)
    return session.scalars(query).all()


def new_films(session: Session, lang: str) -> list[NewFilm]:
    """The films that came in last, newest first."""
    tagline = in_language(lang, Film, "tagline")
    query = select(Film.slug, Film.title, Film.year, tagline, Film.added_at).where(HANGS)
    rows = session.execute(query.order_by(Film.added_at.desc(), Film.id.desc()).limit(FEED_LENGTH))
    return [NewFilm(*row) for row in rows]


def film_facts(film: FilmPage, bar: Bar | None, shop_url: str, currency: str) -> dict[str, Any]:
    """What schema.org calls a Movie, with its two Offers where it is sold."""
    address = f"{shop_url}{site()}/films/{film.slug}"
    offers = [
        {
            "@type": "Offer",
            "url": address,
            "price": f"{cents / 100:.2f}",
            "priceCurrency": currency,
            "availability": "https://schema.org/InStock",
            "businessFunction": function,
        }
        for cents, function in (
            (film.prices.rent, "http://purl.org/goodrelations/v1#LeaseOut"),
            (film.prices.buy, "http://purl.org/goodrelations/v1#Sell"),
        )
    ]
    movie = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "name": film.title,
        "url": address,
        "image": shop_url + poster_url(film),
        "description": film.tagline,
        "duration": f"PT{film.minutes}M",
        "datePublished": str(film.year),
        "director": [
            {"@type": "Person", "name": person.name, "url": f"{shop_url}{site()}/personnes/{person.slug}"}
            for person in film.people
        ],
        "countryOfOrigin": [{"@type": "Country", "name": code} for code in film.countries],
        "inLanguage": film.languages,
        "subtitleLanguage": film.subtitles,
    }
    if not film.playable or bar:
        return movie
    trailer = {} if film.trailer is None else {"trailer": _trailer_facts(film, shop_url)}
    return movie | {"offers": offers} | trailer


def _trailer_facts(film: FilmPage, shop_url: str) -> dict[str, str]:
    return {
        "@type": "VideoObject",
        "name": film.title,
        "description": film.tagline or film.title,
        "contentUrl": f"{shop_url}{film.open_files}/trailer.mp4",
        "thumbnailUrl": f"{shop_url}{film.open_files}/poster.jpg",
        "url": f"{shop_url}{site()}/films/{film.slug}/extraits",
    }


def collection_facts(page: CollectionPage, films: Sequence[FilmCard], shop_url: str) -> dict[str, Any]:
    """What schema.org calls a CollectionPage: its films in their order."""
    entries = [
        {"@type": "ListItem", "position": place, "url": f"{shop_url}{site()}/films/{film.slug}", "name": film.title}
        for place, film in enumerate(films, start=1)
    ]
    return {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": page.name.title,
        "url": f"{shop_url}{site()}/collections/{page.name.slug}",
        "description": page.lead,
        "inLanguage": language(),
        "mainEntity": {"@type": "ItemList", "numberOfItems": len(entries), "itemListElement": entries},
    }


def shop_facts(name: str, shop_url: str) -> dict[str, Any]:
    """What schema.org calls a WebSite, with the way to search it."""
    return {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": name,
        "url": shop_url + (site() or "/"),
        "inLanguage": language(),
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{shop_url}{site()}/recherche?q={{question}}"},
            "query-input": "required name=question",
        },
    }
