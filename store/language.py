"""The shop's two languages, and which of them is spoken now: on a page that of its address, in a letter that of its reader."""

from contextlib import AbstractContextManager

from flask_babel import force_locale, get_locale

FRENCH, ENGLISH = "fr", "en"

LANGUAGES = (FRENCH, ENGLISH)

LOCALES = {FRENCH: "fr", ENGLISH: "en_GB"}
"""How each is written: a shop in Europe dates « 23 Nov 2026 » and counts 24 hours in English too."""

SITES = {FRENCH: "", ENGLISH: "/en"}
"""What the addresses of each one's pages begin with."""


def language() -> str:
    """The two-letter code of the language of the moment: `fr` or `en`; French where nothing says otherwise."""
    locale = get_locale()
    return ENGLISH if locale and locale.language == ENGLISH else FRENCH


def site() -> str:
    """What the address of a page in this language begins with: nothing, or `/en`."""
    return SITES[language()]


def speaking(code: str) -> AbstractContextManager[None]:
    """Inside, all is written in this language."""
    return force_locale(LOCALES[code])
