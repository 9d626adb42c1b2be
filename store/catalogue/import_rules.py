"""What a record of an import must be: a rule for each field, and a sentence for each that it breaks."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from store.catalogue.slugs import SLUG

LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
COUNTRY_CODE = re.compile(r"[A-Z]{2}")
AGES = (0, 10, 12, 16, 18)
ACCESS = re.compile("sdh|ad")

Rule = tuple[Callable[[Any], bool], str]


def _is_text(longest: int, empty: bool = False) -> Rule:
    def fits(value: Any) -> bool:
        return isinstance(value, str) and len(value) <= longest and "\0" not in value and (empty or bool(value.strip()))

    return fits, f"is no text of {'0' if empty else '1'} to {longest} characters"


def _is_number(lowest: int, highest: int) -> Rule:
    return (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest,
        f"is no whole number from {lowest} to {highest}",
    )


def _is_list(pattern: re.Pattern[str], most: int, least: int = 0) -> Rule:
    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and least <= len(value) <= most
            and len(set(map(str, value))) == len(value)
            and all(isinstance(part, str) and pattern.fullmatch(part) for part in value)
        )

    return fits, f"is no list of {least} to {most} different values of the form {pattern.pattern}"


def _is_slug() -> Rule:
    return lambda value: isinstance(value, str) and SLUG.fullmatch(value) is not None, "is no slug such as la-sociale"


def _optional(rule: Rule) -> Rule:
    fits, complaint = rule
    return lambda value: value is None or fits(value), complaint


def _is_day(value: Any) -> bool:
    try:
        return date.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


def _is_licence_day(value: Any) -> bool:
    """Between years in which a day later is a day, too."""
    return value is None or (_is_day(value) and 1900 <= date.fromisoformat(value).year <= 2200)


NAME = re.compile(r"[^\x00-\x1f]{1,200}")

FILM_RULES: dict[str, Rule] = {
    "slug": _optional(_is_slug()),
    "title": _is_text(300),
    "year": _is_number(1888, 2100),
    "minutes": _is_number(1, 6000),
    "countries": _is_list(COUNTRY_CODE, 20),
    "directors": _is_list(NAME, 50, least=1),
    "languages": _is_list(LANGUAGE_CODE, 20),
    "themes": _optional(_is_list(SLUG, 20)),
    "access": _optional(_is_list(ACCESS, 2)),
    "age": _optional((lambda value: value in AGES, f"is none of {AGES}")),
    "visa": _optional(_is_text(20)),
    "released_on": _optional((_is_day, "is no day such as 2019-04-03")),
    "licensed_from": (_is_licence_day, "is no day such as 2019-04-03, from 1900 to 2200"),
    "licensed_until": (_is_licence_day, "is no day such as 2019-04-03, from 1900 to 2200"),
    "territories": _optional(_is_list(COUNTRY_CODE, 250, least=1)),
    "rent_cents": _optional(_is_number(50, 100_000)),
    "buy_cents": _optional(_is_number(50, 100_000)),
    "tagline_fr": _optional(_is_text(300, empty=True)),
    "tagline_en": _optional(_is_text(300, empty=True)),
    "synopsis_fr": _optional(_is_text(20_000, empty=True)),
    "synopsis_en": _optional(_is_text(20_000, empty=True)),
    "press_fr": _optional(_is_text(400, empty=True)),
    "press_en": _optional(_is_text(400, empty=True)),
}
THEME_RULES: dict[str, Rule] = {"slug": _is_slug(), "name_fr": _is_text(100), "name_en": _is_text(100)}

KINDS = ("director", "theme", "festival", "guest")
LONGEST_NOTE = 300


def _are_notes(value: Any) -> bool:
    """For films of the collection, by slug, a sentence in each language."""
    fits, _ = _is_text(LONGEST_NOTE, empty=True)
    return value is None or (
        isinstance(value, dict)
        and all(isinstance(slug, str) and isinstance(words, dict) for slug, words in value.items())
        and all({*words} <= {"fr", "en"} and all(map(fits, words.values())) for words in value.values())
    )


COLLECTION_RULES: dict[str, Rule] = {
    "slug": _is_slug(),
    "kind": (lambda value: value in KINDS, f"is none of {', '.join(KINDS)}"),
    "guest": _optional(_is_text(100)),
    "title_fr": _is_text(200),
    "title_en": _is_text(200),
    "lead_fr": _is_text(500),
    "lead_en": _is_text(500),
    "intro_fr": _is_text(2_000),
    "intro_en": _is_text(2_000),
    "more_fr": _is_text(20_000),
    "more_en": _is_text(20_000),
    "films": _is_list(SLUG, 5_000),
    "notes": (_are_notes, f"is no object of slugs with a sentence in «fr» and «en», of 0 to {LONGEST_NOTE} characters"),
}


def complaints(record: Any, rules: dict[str, Rule]) -> list[str]:
    """What is wrong with a record: a sentence for each field."""
    if not isinstance(record, dict):
        return ["is no record"]
    reasons = [
        f"«{name}» {complaint if record.get(name) is not None else 'is missing'}"
        for name, (fits, complaint) in rules.items()
        if not fits(record.get(name))
    ]
    return reasons + [f"«{name}» is no field" for name in record if name not in rules]
