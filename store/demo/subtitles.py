"""Subtitles of the demo films, in French and English: they say what one really sees and hears."""

from html import escape
from typing import Protocol

from store.demo.moving_pictures import Composition

NBSP = "\u00a0"
PAUSE_S = 0.15
ALL_CUES = 7


class FilmFacts(Protocol):
    """What the subtitles tell of a film."""

    @property
    def title(self) -> str: ...
    @property
    def directors(self) -> list[str]: ...
    @property
    def year(self) -> int: ...
    @property
    def minutes(self) -> int: ...


def french(film: FilmFacts, composition: Composition, duration_s: float, cues: int = ALL_CUES) -> str:
    """French subtitles as WebVTT, so many cues from the first second to the last."""
    title = f"«{NBSP}{escape(film.title, quote=False)}{NBSP}»"
    return _webvtt(
        [
            f"Ceci est une copie de démonstration\nde {title}.",
            f"Le vrai film ({film.year}, {_length(film.minutes)}) est signé\n{_listed(film.directors, 'et')}.",
            f"Ici, <i>{composition.french}</i>.",
            "Quelques notes, des aplats de couleur\net l’heure qui tourne.",
            f"Accents, cédille, œ, «{NBSP}guillemets{NBSP}»{NBSP}:\ntout y est, ça se lit sans peine.",
            "Pas un centime n’a été dépensé\npour de vrai.",
            f"C’est déjà fini{NBSP}! Le vrai film\nmérite d’être vu en entier.",
        ][:cues],
        duration_s,
    )


def english(film: FilmFacts, composition: Composition, duration_s: float, cues: int = ALL_CUES) -> str:
    """English subtitles as WebVTT, so many cues from the first second to the last."""
    return _webvtt(
        [
            f"This is a demonstration copy\nof “{escape(film.title, quote=False)}”.",
            f"The real film ({film.year}, {film.minutes}{NBSP}min) is by\n{_listed(film.directors, 'and')}.",
            f"Here, <i>{composition.english}</i>.",
            "A few notes, flat colours,\nand a clock that runs.",
            "You are reading the English subtitles:\nnaïve, “quoted”, and on time.",
            "Not one cent has really been spent.",
            "Over already! The real film\ndeserves to be seen whole.",
        ][:cues],
        duration_s,
    )


def _webvtt(cues: list[str], duration_s: float) -> str:
    length_s = duration_s / len(cues)
    blocks = [
        f"{_clock(index * length_s)} --> {_clock((index + 1) * length_s - PAUSE_S)}\n{cue}"
        for index, cue in enumerate(cues)
    ]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


def _clock(seconds: float) -> str:
    return f"00:{int(seconds // 60):02}:{seconds % 60:06.3f}"


def _listed(names: list[str], conjunction: str) -> str:
    words = f" {conjunction} ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
    return escape(words, quote=False)


def _length(minutes: int) -> str:
    """« 1 h 24 », « 52 min »."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}{NBSP}h{NBSP}{rest:02}" if hours else f"{rest}{NBSP}min"
