"""Passwords that are tried first: they protect nobody, however long they are.

zxcvbn counts how many guesses come before one: it knows the 30,000 most usual passwords, words, names, dates, keyboards and
what people make of them. A list alone would miss `Password1234`.
"""

from collections.abc import Iterable

from zxcvbn import zxcvbn

FEWEST_GUESSES = 100_000
"""At ten tries in five minutes whoever has them all needs a month, and meets the alarm before."""

READ = 40
"""Characters that are looked at: the estimate takes the square of their number, and longer ones are many guesses away."""


def is_guessable(password: str, about: Iterable[str]) -> bool:
    """Whether it is among the first that somebody tries who knows these words about its owner."""
    known = [word for text in about for word in {text, *text.replace("@", " ").split()} if word]
    return bool(zxcvbn(password[:READ], known)["guesses"] < FEWEST_GUESSES)
