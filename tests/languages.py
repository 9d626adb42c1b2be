"""Telling French from English, by the catalogue: what words each language has that the other has not."""

import re
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from config import ROOT

FRENCH = ROOT / "store" / "translations" / "fr" / "LC_MESSAGES" / "messages.po"

SPOKEN_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "label"}
UNSPOKEN = {"script", "style"}
WITHOUT_END = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

OTHER = {"fr": "en", "en": "fr"}

BOTH = {"court", "font", "pages", "pays"}
"""Words of both languages that the catalogue happens to use in one."""

NAMES = ("Défenseur des droits", "Côte d’Ivoire")
"""What has a French name in English, too."""


def words(text: str) -> set[str]:
    """The words of a text, in small letters; what stands in for something else, and addresses, are none."""
    plain = re.sub(r"%\(\w+\)s|\{\w+\}|<[^>]+>|\S*[/@#]\S*|\w+:\d+\S*", " ", text)
    return set(re.findall(r"[^\W\d_]{2,}", plain.lower()))


@cache
def messages() -> Catalog:
    """English sentences and their French."""
    with FRENCH.open("rb") as file:
        return read_po(file, "fr")


@cache
def vocabulary() -> dict[str, frozenset[str]]:
    """By language, the words of the catalogue that the other's sentences never use."""
    sentences = [message for message in messages() if message.id]
    english = set[str]().union(*(words(form) for message in sentences for form in forms(message.id)))
    french = set[str]().union(*(words(form) for message in sentences for form in forms(message.string)))
    return {"fr": frozenset(french - english - BOTH), "en": frozenset(english - french - BOTH)}


def foreign_words(text: str, language: str) -> set[str]:
    """The words of a text that are the other language's alone."""
    for name in NAMES:
        text = text.replace(name, "")
    return words(text) & vocabulary()[OTHER[language]]


def spoken(page: str) -> str:
    """All that a page says in its own language: text, and attributes that are read or heard."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return "\n".join(reader.said)


def forms(text: str | Sequence[str]) -> Sequence[str]:
    """A sentence, or one for each number that it can be about."""
    return [text] if isinstance(text, str) else text


class _Reader(HTMLParser):
    """Collects what is said; an element with a `lang` of its own inside the page speaks another language."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[bool] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        is_silent = any(self._silent[-1:]) or tag in UNSPOKEN or (tag != "html" and "lang" in dict(attributes))
        if not is_silent:
            spoken = SPOKEN_ATTRIBUTES | ({"content"} if ("name", "description") in attributes else set())
            self.said += [value or "" for name, value in attributes if name in spoken]
        if tag not in WITHOUT_END:
            self._silent.append(is_silent)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag not in WITHOUT_END:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._silent[-1:]):
            self.said.append(data)
