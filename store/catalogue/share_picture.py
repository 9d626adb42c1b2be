"""The picture that goes with a link to a page of ours elsewhere: 1200 × 630, drawn like the posters, the same one every time.

Those who show such pictures take no SVG: it is drawn as PNG, by resvg, out of shapes alone. A title in letters that our faces
lack is left to the fonts of the machine.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from random import Random

import resvg_py
from flask import Response, redirect
from werkzeug.wrappers import Response as AnyResponse

from store.catalogue import lettering
from store.catalogue.poster_art import Sheet
from store.catalogue.posters import PosterFilm, design, printable, words

WIDTH, HEIGHT = 1200, 630
"""What the readers of Open Graph's pictures cut least of."""

ART_WIDTH, MARGIN = 600, 48
TITLE_X = ART_WIDTH + MARGIN
TITLE_WIDTH = WIDTH - TITLE_X - MARGIN
TALLEST_TITLE, LARGEST_TITLE = 380, 132
SMALL, SMALL_LEADING, MOST_LINES = 30, 38, 2

EDITION = "1"
"""Part of every picture's address and of its dice: change it when the drawing changes."""


@dataclass(frozen=True)
class SharePicture:
    """What a picture shows: a title, a line or two below it, the shop's name.

    `place` is where it stands in the addresses of pictures, and alone decides what is left to chance.
    """

    place: str
    title: str
    lines: tuple[str, ...]
    shop: str

    @property
    def mark(self) -> str:
        """Ten hexadecimal digits that stand for everything that it shows."""
        facts = "\0".join((EDITION, self.place, self.shop, self.title, *self.lines))
        return blake2b(facts.encode(), digest_size=5).hexdigest()

    @property
    def address(self) -> str:
        """Where it is: it changes with what it shows, and so may be kept for ever."""
        return f"/affiches/{self.place}-{self.mark}.png"


def of_film(film: PosterFilm, shop: str) -> SharePicture:
    """A film's."""
    return SharePicture(f"films/{film.slug}", film.title, (", ".join(film.directors), str(film.year)), shop)


def answer(picture: SharePicture, mark: str) -> AnyResponse:
    """The picture to whoever asks for this mark, from whichever site; an old mark leads to the present one."""
    if mark != picture.mark:
        return redirect(picture.address, 301)
    drawn = Response(picture_png(picture), mimetype="image/png")
    drawn.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    drawn.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return drawn


@lru_cache(maxsize=64)
def picture_png(picture: SharePicture) -> bytes:
    """The picture, drawn."""
    svg = picture_svg(picture)
    return resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts="<text" not in svg)


def picture_svg(picture: SharePicture) -> str:
    """The picture as shapes."""
    dice = Random(int.from_bytes(blake2b(f"picture {EDITION}:{picture.place}".encode(), digest_size=8).digest()))  # noqa: S311  # draws a picture, the same one each time
    composition, inks = design(picture.title, dice)
    title, shop = printable(picture.title), printable(picture.shop)
    art = composition(Sheet(title, HEIGHT, inks, dice))
    setting = lettering.fit(title, TITLE_WIDTH, TALLEST_TITLE, LARGEST_TITLE)
    step = setting.size * lettering.LINE_HEIGHT
    first = MARGIN + 0.72 * setting.size
    shapes = [
        words(lettering.display(), line, TITLE_X, first + step * index, setting.size, inks.words)
        for index, line in enumerate(setting.lines)
    ]
    below = first + step * (len(setting.lines) - 1) + SMALL_LEADING + SMALL / 2
    shapes += [
        words(lettering.label(), cut, TITLE_X, below + SMALL_LEADING * index, SMALL, inks.words)
        for index, cut in enumerate(_cut(printable(line)) for line in picture.lines[:MOST_LINES])
    ]
    shapes.append(words(lettering.display(), shop, TITLE_X, HEIGHT - MARGIN, 44, inks.words))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<path fill="{inks.ground}" d="M0 0H{WIDTH}V{HEIGHT}H0Z"/>'
        f'<clipPath id="art"><path d="M0 0H{ART_WIDTH}V{HEIGHT}H0Z"/></clipPath><g clip-path="url(#art)">{art}</g>'
        f"{''.join(shapes)}</svg>"
    )


def _cut(line: str) -> str:
    """The line, or as many of its words as fit."""
    face, room = lettering.label(), TITLE_WIDTH / SMALL
    if not face.covers(line) or face.width(line) <= room:
        return line
    kept = line.split(" ")
    while len(kept) > 1 and face.width(" ".join(kept) + " …") > room:
        kept.pop()
    return " ".join(kept).rstrip(",") + " …"
