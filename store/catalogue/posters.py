"""Posters for films without artwork: drawn from title, directors and year, the same ones every time, good enough to hang up."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import Protocol
from xml.sax.saxutils import escape

from store.catalogue import lettering, poster_art
from store.catalogue.poster_art import COMPOSITIONS, PALETTES, Composition, Inks, Sheet

WIDTH, HEIGHT = 600, 900
MARGIN = 40
SMALL_SIZE = 27
LARGEST_TITLE = 158
TALLEST_TITLE = 350
SMALL_LEADING = 32

# Part of every poster's address and of its dice: change it when the drawing changes. Of some thousand values this one hangs the
# demo's collections with the fewest likenesses side by side.
EDITION = "3628"

# A title that speaks of something gets a picture of it.
SUBJECTS: dict[str, Composition] = {
    "soleil": poster_art.sun,
    "aube": poster_art.sun,
    "matin": poster_art.sun,
    "montagne": poster_art.mountains,
    "montagnes": poster_art.mountains,
    "glieres": poster_art.mountains,
    "ouvrier": poster_art.factory,
    "ouvriers": poster_art.factory,
    "ouvriere": poster_art.factory,
    "usine": poster_art.factory,
    "usines": poster_art.factory,
    "travail": poster_art.factory,
    "greve": poster_art.crowd,
    "peuple": poster_art.crowd,
    "foule": poster_art.crowd,
    "sociale": poster_art.crowd,
    "commune": poster_art.flag,
    "insoumis": poster_art.flag,
    "revolution": poster_art.flag,
    "resistance": poster_art.mountains,
    "mer": poster_art.waves,
    "eau": poster_art.waves,
    "evian": poster_art.waves,
    "cinema": poster_art.screen,
    "film": poster_art.filmstrip,
    "filmeur": poster_art.filmstrip,
    "camera": poster_art.filmstrip,
    "regard": poster_art.eye,
    "yeux": poster_art.eye,
    "oeil": poster_art.eye,
    "maison": poster_art.windows,
    "ville": poster_art.windows,
    "cite": poster_art.windows,
}


class PosterFilm(Protocol):
    """What a poster shows of a film."""

    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def year(self) -> int: ...
    @property
    def directors(self) -> list[str]: ...


def poster_url(film: PosterFilm) -> str:
    """The poster's address: it changes with the film's facts, and so may be kept for ever."""
    return f"/affiches/{film.slug}-{poster_mark(film)}.svg"


def poster_mark(film: PosterFilm) -> str:
    """Ten hexadecimal digits that stand for everything the poster shows."""
    facts = "\0".join((EDITION, film.slug, film.title, str(film.year), *film.directors))
    return blake2b(facts.encode(), digest_size=5).hexdigest()


@lru_cache(maxsize=512)
def _drawn(title: str, directors: tuple[str, ...], year: int, key: str) -> str:
    dice = Random(int.from_bytes(blake2b(f"{EDITION}:{key}".encode(), digest_size=8).digest()))  # noqa: S311  # draws a poster, the same one each time: nobody gains by guessing it
    composition, inks = design(title, dice)
    credits = _credit_lines(directors, year)
    title_foot = HEIGHT - MARGIN - SMALL_LEADING * (len(credits) - 1) - 60
    setting = lettering.fit(title, WIDTH - 2 * MARGIN, TALLEST_TITLE, LARGEST_TITLE)
    art = composition(Sheet(title, title_foot - setting.height - 42, inks, dice))
    named = escape(f"{title}, {', '.join(directors)}, {year}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f'<title>{named}</title><path fill="{inks.ground}" d="M0 0H{WIDTH}V{HEIGHT}H0Z"/>{art}'
        f"{_title(setting, title_foot, inks)}{_small_lines(credits, year, inks)}</svg>"
    )


def poster_svg(title: str, directors: list[str], year: int, key: str) -> str:
    """The poster as a picture of 600 × 900; `key` alone decides what is left to chance."""
    return _drawn(printable(title), tuple(map(printable, directors)), year, key)


def printable(text: str) -> str:
    """The text on one line, without the control characters that XML forbids."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Cn") else letter for letter in text)


def design(title: str, dice: Random) -> tuple[Composition, Inks]:
    """What to draw for a title, and in which inks: its subject's picture if it speaks of one."""
    by_chance = COMPOSITIONS[int(dice.random() * len(COMPOSITIONS))]
    inks = PALETTES[int(dice.random() * len(PALETTES))]
    subjects = (SUBJECTS[word] for word in _plain_words(title) if word in SUBJECTS)
    return next(subjects, by_chance), inks


def _plain_words(title: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", title.casefold().replace("œ", "oe"))
    return re.findall(r"[a-z]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _title(setting: lettering.Setting, foot: float, inks: Inks) -> str:
    face, step = lettering.display(), setting.size * lettering.LINE_HEIGHT
    first = foot - step * (len(setting.lines) - 1)
    nudge = setting.size * 0.03  # the letters' own side bearing, so that stems stand on the margin
    return "".join(
        words(face, line, MARGIN - nudge, first + step * index, setting.size, inks.words)
        for index, line in enumerate(setting.lines)
    )


def _credit_lines(directors: tuple[str, ...], year: int) -> list[str]:
    """The directors' names, filled into lines beside the year."""
    face, lines = lettering.label(), [""]
    room = (WIDTH - 2 * MARGIN) / SMALL_SIZE - face.width(str(year)) - 1
    for index, name in enumerate(directors):
        name += "," if index < len(directors) - 1 else ""
        longer = f"{lines[-1]} {name}".strip()
        if face.width(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(name)
    return lines


def _small_lines(credits: list[str], year: int, inks: Inks) -> str:
    """Directors on the left, year on the right of their last line; one very long name is set smaller."""
    face, baseline = lettering.label(), HEIGHT - MARGIN
    year_x = WIDTH - MARGIN - face.width(str(year)) * SMALL_SIZE
    widest = max(face.width(line) for line in credits) * SMALL_SIZE
    size = min(SMALL_SIZE, SMALL_SIZE * (year_x - MARGIN - 16) / max(widest, 1))
    first = baseline - SMALL_LEADING * (len(credits) - 1)
    names = (
        words(face, line, MARGIN, first + SMALL_LEADING * index, size, inks.words) for index, line in enumerate(credits)
    )
    return "".join(names) + words(face, str(year), year_x, baseline, SMALL_SIZE, inks.words)


def words(face: lettering.Typeface, text: str, x: float, baseline: float, size: float, ink: str) -> str:
    """Words as an outline; letters that the face lacks are left to the reader's own fonts."""
    if face.covers(text):
        return f'<path fill="{ink}" d="{face.outline(text, x, baseline, size)}"/>'
    room = min(WIDTH - 2 * MARGIN, size * 0.6 * len(text))
    return (
        f'<text x="{x:.1f}" y="{baseline:.1f}" fill="{ink}" font-family="sans-serif" font-weight="700" font-size="{size * 0.9:.1f}"'
        f' textLength="{room:.0f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )
