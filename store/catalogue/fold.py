"""Text as a search sees it: without case, accents, ligatures and apostrophes."""

import re
import unicodedata
from itertools import chain

from store.catalogue.slugs import LIGATURES

ARTICLES = ("le ", "la ", "les ", "l’", "l'", "un ", "une ", "the ")

SMALL_WORDS = frozenset(
    re.findall(r"\w+", "a an and au aux d de des du en et in l la le les of on ou par pour sur the to un une with")
)
"""Words that say too little to ask for, unless nothing else is asked."""

COMPOUND = re.compile(r"[^\W_]+(?:['’‑.&-][^\W_]+)*")
LETTERS = re.compile(r"[^\W_]+")
GRAM_LENGTH = 3
LONGEST_WORD = 40


def fold(text: str) -> str:
    """«Œuvres d’ÉTÉ» gives `oeuvres d’ete`."""
    plain = unicodedata.normalize("NFKD", text.translate(LIGATURES).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def words_of(text: str) -> list[str]:
    """The folded words, in order, each once: of a compound its parts and the whole: «j’veux» gives `j`, `veux`, `jveux`."""
    return list(dict.fromkeys(chain.from_iterable(map(_parts, COMPOUND.findall(fold(text))))))


def asked_words(text: str) -> list[str]:
    """The words of a question: what is whole there is asked for as a whole, and small words only if there are no others."""
    words = ["".join(LETTERS.findall(_without_elision(compound))) for compound in COMPOUND.findall(fold(text))]
    words = list(dict.fromkeys(word[:LONGEST_WORD] for word in words))
    return [word for word in words if word not in SMALL_WORDS] or words


def grams_of(word: str) -> list[str]:
    """The pieces of three letters of a word between two stops: `mer` gives `^me`, `mer`, `er$`."""
    bounded = f"^{word}$"
    return list(dict.fromkeys(bounded[at : at + GRAM_LENGTH] for at in range(len(bounded) - GRAM_LENGTH + 1)))


def sorting_title(title: str) -> str:
    """A title as the alphabet sees it: without accents, case, or an article in front."""
    plain = fold(title)
    article = next((article for article in ARTICLES if plain.startswith(article)), "")
    return plain.removeprefix(article)


def _parts(compound: str) -> list[str]:
    parts = LETTERS.findall(compound)
    whole = ["".join(parts)] if len(parts) > 1 else []
    return [part[:LONGEST_WORD] for part in parts + whole]


def _without_elision(compound: str) -> str:
    """«l’avenir» asks for `avenir`, «j’veux» for `veux`; written in one, `jveux` is found as well."""
    first, _, rest = compound.replace("’", "'").partition("'")
    return rest if rest and first in SMALL_WORDS | {"c", "j", "m", "n", "s", "t", "qu"} else compound
