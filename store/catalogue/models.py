"""Tables of the catalogue."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity


class Film(Base):
    """A film that the shop shows. Prices are cents with VAT; None means the price of its length (`prices.py`).

    `recipe` points to the packaged version that is live: None until the film can be played, and so until it may be sold.
    """

    __tablename__ = "film"
    __table_args__ = (CheckConstraint("minutes > 0", name="minutes_positive"),)

    id: Mapped[Identity]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    year: Mapped[int] = mapped_column(index=True)
    minutes: Mapped[int]
    countries: Mapped[list[str]] = mapped_column(JSON)
    languages: Mapped[list[str]] = mapped_column(JSON)
    age: Mapped[int] = mapped_column(default=0)
    visa: Mapped[str | None]
    released_on: Mapped[date | None]
    tagline_fr: Mapped[str]
    tagline_en: Mapped[str]
    synopsis_fr: Mapped[str]
    synopsis_en: Mapped[str]
    rent_cents: Mapped[int | None]
    buy_cents: Mapped[int | None]
    recipe: Mapped[str | None]
    subtitles: Mapped[list[str]] = mapped_column(JSON, default=list)
    added_at: Mapped[datetime] = mapped_column(index=True)


class Person(Base):
    """Somebody who made films; the slug is the stable key."""

    __tablename__ = "person"

    id: Mapped[Identity]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class FilmDirector(Base):
    """Who directed a film, in the order of the credits."""

    __tablename__ = "film_director"

    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    position: Mapped[int]


class Theme(Base):
    """What films are about."""

    __tablename__ = "theme"

    id: Mapped[Identity]
    slug: Mapped[str] = mapped_column(unique=True)
    name_fr: Mapped[str]
    name_en: Mapped[str]


class FilmTheme(Base):
    """A film's themes."""

    __tablename__ = "film_theme"

    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True)
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"), primary_key=True, index=True)


class Collection(Base):
    """Films hung together: a director, a theme, a festival. Texts are Markdown."""

    __tablename__ = "collection"
    __table_args__ = (CheckConstraint("kind IN ('director', 'theme', 'festival')", name="kind"),)

    id: Mapped[Identity]
    slug: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    position: Mapped[int]
    title_fr: Mapped[str]
    title_en: Mapped[str]
    lead_fr: Mapped[str]
    lead_en: Mapped[str]
    intro_fr: Mapped[str]
    intro_en: Mapped[str]
    more_fr: Mapped[str]
    more_en: Mapped[str]


class CollectionFilm(Base):
    """A film's place in a collection."""

    __tablename__ = "collection_film"

    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id"), primary_key=True)
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True, index=True)
    position: Mapped[int]


class HomePage(Base):
    """What the home shows: one row of data, see `home set`."""

    __tablename__ = "home_page"

    id: Mapped[Identity]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
