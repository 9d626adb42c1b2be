"""Search: films, people and collections in one box.

A question is cut into words; each is looked up as a whole, as a beginning, and, where it is neither, as a part of a word or
a misspelling. What carries all of them comes first, by the weight of where they stand. Both databases give the same answer
from the same tables (`index_films.py`, `docs/search.md`), in three queries at most.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, reduce
from operator import add
from typing import Any

from rapidfuzz.distance import OSA
from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from store.catalogue.browse import FilmCard, in_language
from store.catalogue.fold import COMPOUND, asked_words, fold, grams_of, words_of
from store.catalogue.index_films import COLLECTION, FILM, PERSON
from store.catalogue.models import Collection, Film, FilmDirector, Person, SearchEntry, SearchGram, SearchWord

LONGEST_QUESTION = 100
MOST_WORDS = 6
MOST_SPELLINGS = 12
"""Words of the index that one word of the question may stand for."""

QUERY_SIZES = (1, 4, MOST_SPELLINGS)
NO_WORD = -1

MOST_ENTRIES = 400
"""Of the rarest word: the heaviest entries are looked at. Of an only word those are enough that can be shown."""

EXACT, BEGINNING, PART, MISSPELT = 100, 70, 50, 60
"""Per cent of an entry's weight that a spelling earns."""

GRAM_CANDIDATES = 60
WORD_OR_REST = re.compile(f"({COMPOUND.pattern})")
AFTER_ALL_LETTERS = "\U0010ffff"


@dataclass(frozen=True)
class Hit:
    """A film, person or collection with its title in the visitor's language; films have their card as well."""

    kind: str
    slug: str
    title: str
    score: int
    film: FilmCard | None = None


@dataclass(frozen=True)
class Found:
    """The hits of a question, best first; `is_exact` says whether they carry every word of it, as it was spelt or nearly so."""

    question: str
    hits: list[Hit] = field(default_factory=list)
    is_exact: bool = False
    words: frozenset[str] = frozenset()

    def marked(self, text: str) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is one of the words that were found."""
        pieces = [piece for piece in WORD_OR_REST.split(text) if piece]
        return [(piece, not self.words.isdisjoint(words_of(piece))) for piece in pieces]

    def of_kind(self, kind: str) -> list[Hit]:
        """The hits that are films, people or collections."""
        return [hit for hit in self.hits if hit.kind == kind]


@dataclass(frozen=True)
class _Spelling:
    """A word of the index that a word of the question stands for, with what it earns in per cent."""

    word_id: int
    word: str
    entries: int
    per_cent: int


def search(session: Session, question: str, lang: str, limit: int) -> Found:
    """What the question finds, `limit` hits at most; where nothing carries all of its words, what carries most of them."""
    question = " ".join(question.replace("\0", " ").split())[:LONGEST_QUESTION]
    asked = asked_words(question)[:MOST_WORDS]
    if not asked:
        return Found(question)
    spellings = _spellings(session, asked)
    rows = _rows(session, [known for known in spellings if known], lang, limit)
    is_exact = all(spellings) and bool(rows) and rows[0].matched == len(asked)
    kept = [row for row in rows if row.matched == len(asked)] if is_exact else rows
    words = frozenset(spelling.word for known in spellings for spelling in known)
    return Found(question, _best_first(_hits(kept), question)[:limit], is_exact, words)


def _spellings(session: Session, asked: Sequence[str]) -> list[list[_Spelling]]:
    """For each word of the question the words of the index that it may stand for."""
    whole = _whole_or_begun(session, asked)
    missing = [word for word in asked if not whole[word]]
    near = _near(session, missing) if missing else {}
    return [whole[word] or near.get(word, []) for word in asked]


def _whole_or_begun(session: Session, asked: Sequence[str]) -> dict[str, list[_Spelling]]:
    """Words that are it or begin with it, the whole one first, then those that stand in most entries."""
    found: dict[str, list[_Spelling]] = {word: [] for word in asked}
    values = {f"word{number}": word for number, word in enumerate(asked)}
    ends = {f"end{number}": word + AFTER_ALL_LETTERS for number, word in enumerate(asked)}
    for number, id_, known, entries in session.connection().execute(_begun_query(len(asked)), values | ends):
        word = asked[number]
        earned = EXACT if known == word else BEGINNING * (len(word) + 2) // (len(known) + 2)
        found[word].append(_Spelling(id_, known, entries, earned))
    return found


def _near(session: Session, asked: Sequence[str]) -> dict[str, list[_Spelling]]:
    """Words that contain one of these, or differ from it by a slip or two of the finger."""
    found: dict[str, list[_Spelling]] = {}
    grams = {f"grams{number}": grams_of(word) for number, word in enumerate(asked)}
    for number, id_, known, entries in session.connection().execute(_near_query(len(asked)), grams):
        word = asked[number]
        earned = _earned_nearly(word, known)
        if earned:
            found.setdefault(word, []).append(_Spelling(id_, known, entries, earned))
    return {word: _nearest(near) for word, near in found.items()}


def _nearest(near: list[_Spelling]) -> list[_Spelling]:
    """Those with the fewest slips."""
    best = max(spelling.per_cent for spelling in near)
    kept = [spelling for spelling in near if 2 * spelling.per_cent > best]
    return sorted(kept, key=lambda one: (-one.per_cent, -one.entries, one.word))[:MOST_SPELLINGS]


def _earned_nearly(word: str, known: str) -> int:
    """What a word earns that is not it: 0 if it is too far off. Three letters and less allow no slip, seven two."""
    if len(word) >= 3 and word in known:
        return PART
    slips_allowed = 0 if len(word) < 4 else 1 if len(word) < 7 else 2
    slips = OSA.distance(word, known, score_cutoff=slips_allowed)
    return MISSPELT // slips if slips <= slips_allowed else 0


def _rows(session: Session, spellings: list[list[_Spelling]], lang: str, limit: int) -> Sequence[Any]:
    """The best entries with what is shown of them: a row for each, for a film one for each director."""
    if not spellings:
        return []
    rarest_first = sorted(spellings, key=lambda known: sum(spelling.entries for spelling in known))
    padded = [_padded(known) for known in rarest_first]
    query = _rows_query(lang, *map(len, padded))
    values: dict[str, int] = {"count": 2 * limit, "entries": MOST_ENTRIES if rarest_first[1:] else 2 * limit}
    for word, known in enumerate(padded):
        for number, (word_id, per_cent) in enumerate(known):
            values |= {_ID.format(word, number): word_id, _EARNED.format(word, number): per_cent}
    return session.connection().execute(query, values).all()


def _padded(known: Sequence[_Spelling]) -> list[tuple[int, int]]:
    """Id and per cent of each, and of nothing, so that there are three sizes of a query and not twelve."""
    size = next(size for size in QUERY_SIZES if size >= len(known))
    pairs = [(spelling.word_id, spelling.per_cent) for spelling in known]
    return pairs + [(NO_WORD, 0)] * (size - len(pairs))


def _hits(rows: Sequence[Any]) -> list[Hit]:
    hits: dict[tuple[str, int], Hit] = {}
    for row in rows:
        film = FilmCard(row.slug, row.title, row.year, row.minutes, []) if row.kind == FILM else None
        hit = hits.setdefault((row.kind, row.subject_id), Hit(row.kind, row.slug, row.title, row.score, film))
        if hit.film and row.director:
            hit.film.directors.append(row.director)
    return list(hits.values())


def _best_first(hits: list[Hit], question: str) -> list[Hit]:
    """What is called exactly as was asked stands before all else, then what begins so."""
    asked = _letters(question)

    def likeness(hit: Hit) -> int:
        title = _letters(hit.title)
        return 0 if title == asked else 1 if title.startswith(asked) else 2

    return sorted(hits, key=likeness)


def _letters(text: str) -> str:
    return "".join(letter for letter in fold(text) if letter.isalnum())


# Statements are built once for each shape of a question: that takes SQLAlchemy many times as long as either database takes to
# answer them.

_ID, _EARNED = "id_{}_{}", "earned_{}_{}"
"""Parameters: of a word of the question, and its spelling."""


@cache
def _begun_query(words: int) -> CompoundSelect[Any]:
    """What is `word0`, `word1`, … or begins with it, which is to say lies before `end0`, `end1`, …"""
    return union_all(
        *(
            select(
                _numbered_words(number)
                .where(SearchWord.word >= bindparam(f"word{number}"), SearchWord.word < bindparam(f"end{number}"))
                .order_by(
                    (SearchWord.word == bindparam(f"word{number}")).desc(), SearchWord.entries.desc(), SearchWord.id
                )
                .limit(MOST_SPELLINGS)
                .subquery()
            )
            for number in range(words)
        )
    )


@cache
def _near_query(words: int) -> CompoundSelect[Any]:
    """What has most of the pieces `grams0`, `grams1`, …"""
    return union_all(
        *(
            select(
                _numbered_words(number)
                .join(SearchGram, SearchGram.word_id == SearchWord.id)
                .where(SearchGram.gram.in_(bindparam(f"grams{number}", expanding=True)))
                .group_by(SearchWord.id, SearchWord.word, SearchWord.entries)
                .order_by(func.count().desc(), func.length(SearchWord.word), SearchWord.id)
                .limit(GRAM_CANDIDATES)
                .subquery()
            )
            for number in range(words)
        )
    )


def _numbered_words(number: int) -> Any:
    numbered = literal(number, Integer).label("number")
    return select(numbered, SearchWord.id, SearchWord.word, SearchWord.entries).where(SearchWord.entries > 0)


@lru_cache(maxsize=256)
def _rows_query(lang: str, rarest: int, *others: int) -> Select[Any]:
    """What carries one of the spellings of the rarest word, by what the others earn there; the numbers count spellings."""
    carried = _carrying(rarest)
    scores = [
        _score_of(word, spellings, carried.c.kind, carried.c.subject_id)
        for word, spellings in enumerate(others, start=1)
    ]
    matched = reduce(add, (case((score.is_(None), 0), else_=1) for score in scores), literal(1, Integer))
    total = reduce(add, (func.coalesce(score, 0) for score in scores), carried.c.score)
    best = (
        select(carried.c.kind, carried.c.subject_id, matched.label("matched"), total.label("score"))
        .order_by(matched.desc(), total.desc(), carried.c.kind, carried.c.subject_id.desc())
        .limit(bindparam("count", type_=Integer))
        .subquery()
    )
    return _shown(best, lang)


def _carrying(spellings: int) -> Any:
    """Everything that carries one of the first word's spellings, the heaviest entries of each."""
    heaviest = [
        select(
            select(
                SearchEntry.kind,
                SearchEntry.subject_id,
                (SearchEntry.weight * _parameter(_EARNED, 0, number)).label("score"),
            )
            .where(SearchEntry.word_id == _parameter(_ID, 0, number))
            .order_by(SearchEntry.weight.desc(), SearchEntry.subject_id.desc())
            .limit(bindparam("entries", type_=Integer))
            .subquery()
        )
        for number in range(spellings)
    ]
    every = union_all(*heaviest).subquery()
    score = func.max(every.c.score).label("score")
    return select(every.c.kind, every.c.subject_id, score).group_by(every.c.kind, every.c.subject_id).subquery()


def _score_of(word: int, spellings: int, kind: Any, subject_id: Any) -> Any:
    """What another word of the question earns there; null if it is missing."""
    entry = aliased(SearchEntry)
    ids = [_parameter(_ID, word, number) for number in range(spellings)]
    earned = [_parameter(_EARNED, word, number) for number in range(spellings)]
    per_cent = case(*((entry.word_id == id_, per_cent) for id_, per_cent in zip(ids, earned, strict=True)))
    return (
        select(func.max(entry.weight * per_cent))
        .where(entry.word_id.in_(ids), entry.kind == kind, entry.subject_id == subject_id)
        .scalar_subquery()
    )


def _parameter(name: str, word: int, spelling: int) -> BindParameter[int]:
    return bindparam(name.format(word, spelling), type_=Integer)


def _shown(best: Any, lang: str) -> Select[Any]:
    director = aliased(Person)
    is_kind = {kind: best.c.kind == kind for kind in (FILM, PERSON, COLLECTION)}
    return (
        select(
            *(best.c.kind, best.c.subject_id, best.c.matched, best.c.score),
            func.coalesce(Film.slug, Person.slug, Collection.slug).label("slug"),
            func.coalesce(Film.title, Person.name, in_language(lang, Collection, "title")).label("title"),
            *(Film.year, Film.minutes, director.name.label("director")),
        )
        .select_from(best)
        .outerjoin(Film, and_(is_kind[FILM], Film.id == best.c.subject_id))
        .outerjoin(FilmDirector, FilmDirector.film_id == Film.id)
        .outerjoin(director, director.id == FilmDirector.person_id)
        .outerjoin(Person, and_(is_kind[PERSON], Person.id == best.c.subject_id))
        .outerjoin(Collection, and_(is_kind[COLLECTION], Collection.id == best.c.subject_id))
        .order_by(
            best.c.matched.desc(), best.c.score.desc(), best.c.kind, best.c.subject_id.desc(), FilmDirector.position
        )
    )
