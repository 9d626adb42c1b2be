"""A catalogue of any size, the same each time: made-up titles whose words are spread as words are, few often and most rarely."""

from random import Random
from typing import Any

VOCABULARY = 30_000
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprstv" for vowel in ("a", "e", "i", "o", "u", "ou", "an")]
THEMES = 40
FILMS_PER_DIRECTOR = 3
COUNTRIES, LANGUAGES = ("FR", "BE", "CH", "CA", "BR", "SN", "JP", "US"), ("fr", "en", "es", "pt", "ar", "ja")


def catalogue_of(films: int) -> dict[str, Any]:
    """A document of so many films, as `films import` reads it."""
    dice = Random(films)
    words = _words(dice)
    themes = [f"theme-{number}" for number in range(THEMES)]
    directors = [
        f"{_word(words, dice).title()} {dice.choice(words).title()} {number}"
        for number in range(max(1, films // FILMS_PER_DIRECTOR))
    ]
    return {
        "themes": [{"slug": slug, "name_fr": f"Thème {slug}", "name_en": f"Theme {slug}"} for slug in themes],
        "films": [_film(number, words, directors, themes, dice) for number in range(films)],
    }


def question_of(document: dict[str, Any], number: int) -> str:
    """What somebody looks for: a word of a film's title, half of one, two, or one with a slip of the finger."""
    title = document["films"][number * 7919 % len(document["films"])]["title"].split()
    longest = max(title, key=len)
    return (longest, longest[:4], " ".join(title[:2]), longest[:2] + longest[3:])[number % 4]


def _film(number: int, words: list[str], directors: list[str], themes: list[str], dice: Random) -> dict[str, Any]:
    title = " ".join(_word(words, dice) for _ in range(dice.randint(1, 4))).capitalize()
    return {
        "slug": f"{title.lower().replace(' ', '-')}-{number}",
        "title": title,
        "year": dice.randint(1895, 2026),
        "minutes": dice.randint(3, 180),
        "countries": [dice.choice(COUNTRIES)],
        "languages": [dice.choice(LANGUAGES)],
        "directors": dice.sample(directors, 1 if dice.random() < 0.8 or len(directors) < 2 else 2),
        "themes": dice.sample(themes, 2),
        "tagline_fr": " ".join(_word(words, dice) for _ in range(8)).capitalize() + ".",
        "synopsis_fr": " ".join(_word(words, dice) for _ in range(60)).capitalize() + ".",
    }


def _words(dice: Random) -> list[str]:
    """Different words, the most frequent ones first."""
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 4)))] = None
    return list(words)


def _word(words: list[str], dice: Random) -> str:
    """One of them, the nth about as often as one nth of the first."""
    return words[int(len(words) ** dice.random()) - 1]
