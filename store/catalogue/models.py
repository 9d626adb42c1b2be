"""Tables of the catalogue."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, String, false, func, select, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, mapped_column

from store.db import Base, Identity

AS_BYTES = String().with_variant(String(collation="C"), "postgresql")
"""Text in the order of its bytes, the same on both engines, so that an index finds what begins with a word."""


class Film(Base):
    """A film that the shop shows. Prices are cents with VAT; None means the price of its length (`prices.py`).

    `access` names what it offers to those who see or hear less: `sdh`, subtitles for the deaf and hard of hearing, and `ad`,
    audio description. `recipe` points to the packaged version that is live: None until the film can be played, and so until it may be sold.
    `trailer` has the subtitles of that version's trailer, and is None where it has none. `packaged_as` is the name of its folder in the
    media store: None for its slug. Whoever renames the film keeps the folder, since nothing published ever moves.
    It is offered from the shop's day `licensed_from` to `licensed_until`, both included, in `territories` (country codes):
    None means without limit (`licence.py`). Once `is_over`, it hangs on no wall any more (`take_down.py`). `press` is a line that was
    written about it.
    """

    __tablename__ = "film"
    __table_args__ = (
        CheckConstraint("minutes > 0", name="minutes_positive"),
        Index("ix_film_newest", "added_at", "id"),
        Index("ix_film_by_title", "sort_title", "id"),
        Index("ix_film_by_year", "year", "id"),
        Index("ix_film_by_length", "minutes", "id"),
        Index("ix_film_over", "id", sqlite_where=text("is_over = 1"), postgresql_where=text("is_over")),
    )

    id: Mapped[Identity]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    sort_title: Mapped[str] = mapped_column(AS_BYTES, server_default="")
    year: Mapped[int]
    minutes: Mapped[int]
    countries: Mapped[list[str]] = mapped_column(JSON)
    languages: Mapped[list[str]] = mapped_column(JSON)
    age: Mapped[int] = mapped_column(default=0)
    visa: Mapped[str | None]
    licensed_from: Mapped[date | None]
    licensed_until: Mapped[date | None]
    territories: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    released_on: Mapped[date | None]
    tagline_fr: Mapped[str]
    tagline_en: Mapped[str]
    synopsis_fr: Mapped[str]
    synopsis_en: Mapped[str]
    press_fr: Mapped[str] = mapped_column(default="", server_default="")
    press_en: Mapped[str] = mapped_column(default="", server_default="")
    rent_cents: Mapped[int | None]
    buy_cents: Mapped[int | None]
    recipe: Mapped[str | None]
    packaged_as: Mapped[str | None]
    trailer: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    is_over: Mapped[bool] = mapped_column(default=False, server_default=false())
    subtitles: Mapped[list[str]] = mapped_column(JSON, default=list)
    access: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    added_at: Mapped[datetime]

    @hybrid_property
    def media_folder(self) -> str:
        """Where its packaged versions lie, in the media store and in the addresses of its files."""
        return self.packaged_as or self.slug

    @media_folder.inplace.expression
    @classmethod
    def _media_folder(cls) -> ColumnElement[str]:
        return func.coalesce(cls.packaged_as, cls.slug)

    @classmethod
    def answers_to(cls, slug: str) -> ColumnElement[bool]:
        """The condition that a film is called so, or was: what was ordered under its former name is still meant for it."""
        named = aliased(cls)
        present = select(named.id).where(named.slug == slug)
        former = select(FormerSlug.film_id).where(FormerSlug.slug == slug)
        return cls.id == present.union_all(former).limit(1).scalar_subquery()


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
    """Films hung together: a director, a theme, a festival, or the choice of a `guest`, who is named. Texts are Markdown."""

    __tablename__ = "collection"
    __table_args__ = (CheckConstraint("kind IN ('director', 'theme', 'festival', 'guest')", name="kind"),)

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
    guest: Mapped[str | None]


class CollectionFilm(Base):
    """A film's place in a collection, and why it hangs there: a sentence, or nothing."""

    __tablename__ = "collection_film"

    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id"), primary_key=True)
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True, index=True)
    position: Mapped[int]
    note_fr: Mapped[str] = mapped_column(default="", server_default="")
    note_en: Mapped[str] = mapped_column(default="", server_default="")


class FormerSlug(Base):
    """A slug that was public once and keeps answering."""

    __tablename__ = "former_slug"

    slug: Mapped[str] = mapped_column(primary_key=True)
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), index=True)


class FilmFacet(Base):
    """By what a film can be filtered: one row for each value of each facet (`facets.py`)."""

    __tablename__ = "film_facet"

    facet: Mapped[str] = mapped_column(AS_BYTES, primary_key=True)
    value: Mapped[str] = mapped_column(AS_BYTES, primary_key=True)
    film_id: Mapped[int] = mapped_column(ForeignKey("film.id"), primary_key=True, index=True)


class SearchWord(Base):
    """A word, folded (`fold.py`), and in how many entries it stands."""

    __tablename__ = "search_word"

    id: Mapped[Identity]
    word: Mapped[str] = mapped_column(AS_BYTES, unique=True)
    entries: Mapped[int] = mapped_column(default=0)


class SearchGram(Base):
    """The pieces of three letters of each word, by which a misspelt or half a word is found."""

    __tablename__ = "search_gram"

    gram: Mapped[str] = mapped_column(AS_BYTES, primary_key=True)
    word_id: Mapped[int] = mapped_column(ForeignKey("search_word.id"), primary_key=True, index=True)


class SearchEntry(Base):
    """That a word stands in what is called `kind` (`film`, `person`, `collection`) and `subject_id`; more weight is more telling."""

    __tablename__ = "search_entry"
    __table_args__ = (
        Index("ix_search_entry_heaviest", "word_id", "weight", "subject_id"),
        Index("ix_search_entry_subject", "kind", "subject_id"),
    )

    word_id: Mapped[int] = mapped_column(ForeignKey("search_word.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(AS_BYTES, primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    weight: Mapped[int]


class CatalogueIndex(Base):
    """One row: the edition of the rules by which films, people and collections were made findable."""

    __tablename__ = "catalogue_index"

    id: Mapped[Identity]
    edition: Mapped[int]


class HomePage(Base):
    """What the home shows: one row of data, see `home set`."""

    __tablename__ = "home_page"

    id: Mapped[Identity]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
