"""Draws the demo's masters: for each film a short one with its own title on screen, a tune, and subtitles that say so.

A tool for whoever changes the demo's films, never run by the shop: `python -m store.demo.draw_masters [SLUG …]` writes
`store/demo/masters/<slug>.mp4`, `.fr.vtt` and `.en.vtt` for the films of `catalogue.json`, and a trailer for some of them. The
same film always gives the same pictures. Needs numpy and Pillow (development requirements).
"""

import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from random import Random

import numpy as np

from store.catalogue.lettering import LINE_HEIGHT, fit
from store.catalogue.poster_art import PALETTES, Inks
from store.demo import subtitles, tones
from store.demo.moving_pictures import COMPOSITIONS, Composition, Layer, Mask, Pen, Stage
from store.gateways.video_tools import tool

HERE = Path(__file__).resolve().parent
CATALOGUE = HERE / "catalogue.json"
MASTERS = HERE / "masters"

WIDTH, HEIGHT = 1280, 720
STEPS_PER_S = Fraction(25, 2)
MARGIN = 56
LEAST_CONTRAST = 20
WITH_TRAILER = ("la-sociale",)
TRAILER_S, TRAILER_CUES = 10, 3
FOR_FLAT_INKS = "aq-mode=0:psy=0:mbtree=0:qcomp=1:ipratio=1.6:keyint=9999"

SUBJECTS = {
    "sociale": "crowd", "heureux": "disc", "afrique": "filmstrip", "soleil": "sun", "filmeur": "filmstrip",
    "ouvriers": "factory", "resistance": "mountains", "evian": "waves", "ville": "windows", "mer": "waves",
    "nice": "waves", "bateau": "waves", "lip": "factory", "lumiere": "halftone", "nuit": "disc", "heure": "leader",
    "lheure": "leader", "loeil": "rings", "douvriers": "factory", "usa": "factory", "lutte": "crowd",
    "home": "windows",
}  # fmt: skip


@dataclass(frozen=True)
class DemoFilm:
    """A film's facts, as the catalogue has them."""

    slug: str
    title: str
    directors: list[str]
    year: int
    minutes: int


@dataclass(frozen=True)
class Box:
    """A part of the picture, in pixels; all four are even."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """Where the clock and the words stand, and where the picture moves."""

    clock: Box
    words: Box
    stage: Box


BESIDE = Layout(Box(MARGIN, 44, 300, 56), Box(MARGIN, 134, 500, 470), Box(600, 0, 680, HEIGHT))
BELOW = Layout(Box(WIDTH - MARGIN - 248, 44, 248, 56), Box(MARGIN, 44, 820, 246), Box(0, 300, WIDTH, HEIGHT - 300))


class Picture:
    """One picture as a video encoder takes it: brightness in full size, two colour differences in half."""

    def __init__(self, width: int, height: int, ink: str) -> None:
        self._planes = [
            np.full((height // size, width // size), value, dtype=np.float32)
            for value, size in zip(_yuv(ink), (1, 2, 2), strict=True)
        ]

    def copy(self) -> "Picture":
        """The same picture, to be printed on."""
        copy = object.__new__(Picture)
        copy._planes = [plane.copy() for plane in self._planes]
        return copy

    def print(self, mask: Mask, ink: str, x: int, y: int) -> None:
        """Print a mask's shapes with its corner at x, y, moved to even ones; what falls outside is cut off.

        Colour is half as fine as brightness: only by even steps do both move alike.
        """
        x, y = x // 2 * 2, y // 2 * 2
        height, width = self._planes[0].shape
        left, top = max(0, x), max(0, y)
        right, bottom = min(width, x + mask.shape[1]), min(height, y + mask.shape[0])
        if left >= right or top >= bottom:
            return
        seen = mask[top - y : bottom - y, left - x : right - x]
        for plane, value, size in zip(self._planes, _yuv(ink), (1, 2, 2), strict=True):
            coarse = seen[::size, ::size]
            part = plane[top // size :, left // size :][: coarse.shape[0], : coarse.shape[1]]
            part += (value - part) * coarse

    def put(self, other: "Picture", x: int, y: int) -> None:
        """Lay another picture over this one at even coordinates."""
        for plane, over, size in zip(self._planes, other._planes, (1, 2, 2), strict=True):
            plane[y // size : y // size + over.shape[0], x // size : x // size + over.shape[1]] = over

    def bytes(self) -> bytes:
        """The picture as yuv420p."""
        return b"".join(np.rint(plane).astype(np.uint8).tobytes() for plane in self._planes)


def main(slugs: list[str]) -> None:
    """Draw the films named, or all."""
    MASTERS.mkdir(exist_ok=True)
    for film in _films():
        if not slugs or film.slug in slugs:
            draw_master(film, MASTERS)
            if film.slug in WITH_TRAILER:
                draw_trailer(film, MASTERS)
            print(f"{film.slug}  {(MASTERS / film.slug).with_suffix('.mp4').stat().st_size / 1000:.0f} kB", flush=True)


def draw_master(film: DemoFilm, folder: Path) -> None:
    """Write a film's master and subtitles into `folder`."""
    dice = Random(int.from_bytes(blake2b(film.slug.encode(), digest_size=8).digest()))  # noqa: S311  # draws a film, the same one each time
    _draw(film, dice, dice.choice((22, 23, 24)), folder / film.slug, film.title)


def draw_trailer(film: DemoFilm, folder: Path) -> None:
    """Write a film's trailer and its subtitles into `folder`: the same composition, shorter, in other colours."""
    dice = Random(int.from_bytes(blake2b(f"trailer of {film.slug}".encode(), digest_size=8).digest()))  # noqa: S311  # draws a film, the same one each time
    _draw(film, dice, TRAILER_S, folder / f"{film.slug}.trailer", f"{film.title} (bande-annonce)", TRAILER_CUES)


def _draw(
    film: DemoFilm, dice: Random, duration_s: int, stem: Path, title: str, cues: int = subtitles.ALL_CUES
) -> None:
    composition, inks = _composition(film, dice), _inks(dice)
    layout = dice.choice((BESIDE, BELOW)) if composition.wide else BESIDE
    pictures = _pictures(film, composition, inks, layout, dice, duration_s)
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "sound.wav"
        _write_sound(sound, tones.tune(dice, duration_s))
        _encode(pictures, sound, stem.with_name(f"{stem.name}.mp4"), title)
    for language, text in (("fr", subtitles.french), ("en", subtitles.english)):
        words = text(film, composition, duration_s, cues)
        stem.with_name(f"{stem.name}.{language}.vtt").write_text(words, encoding="utf-8")


def _films() -> list[DemoFilm]:
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    names = DemoFilm.__dataclass_fields__
    return [DemoFilm(**{name: film[name] for name in names}) for film in catalogue["films"]]


def _composition(film: DemoFilm, dice: Random) -> Composition:
    by_chance = dice.choice(sorted(COMPOSITIONS))
    return COMPOSITIONS[next((SUBJECTS[word] for word in film.slug.split("-") if word in SUBJECTS), by_chance)]


def _inks(dice: Random) -> Inks:
    """Inks whose brightness sets the shapes off from their ground: an encoder follows motion by brightness alone."""
    while True:
        inks = dice.choice(PALETTES)
        if abs(_yuv(inks.ground)[0] - _yuv(inks.first)[0]) >= LEAST_CONTRAST:
            return inks


def _pictures(
    film: DemoFilm, composition: Composition, inks: Inks, layout: Layout, dice: Random, duration_s: int
) -> Iterator[bytes]:
    """The film's pictures, one for each step."""
    layers = composition.fill(Stage(layout.stage.width, layout.stage.height, inks, dice))
    ground = Picture(layout.stage.width, layout.stage.height, inks.ground)
    sheet = _titled(film, inks, layout.words)
    shown = -1
    for step in range(int(duration_s * STEPS_PER_S)):
        second = int(step / STEPS_PER_S)
        if second != shown:
            clocked, shown = sheet.copy(), second
            _print_clock(clocked, inks, layout, second, duration_s)
        clocked.put(_moment(ground, layers, step), layout.stage.x, layout.stage.y)
        yield clocked.bytes()


def _moment(ground: Picture, layers: list[Layer], step: int) -> Picture:
    moment = ground.copy()
    for layer in layers:
        moment.print(layer.masks[layer.chosen(step)], layer.ink, *layer.place(step))
    return moment


def _titled(film: DemoFilm, inks: Inks, box: Box) -> Picture:
    """The sheet with everything that stands still: title, directors, year, and what this is."""
    sheet = Picture(WIDTH, HEIGHT, inks.ground)
    small = 30
    credits = [*_credits(film, box), "Copie de démonstration"]
    setting = fit(film.title, box.width, box.height - (0.5 + 1.25 * len(credits)) * small, 168)
    pen = Pen(box.width + MARGIN, HEIGHT)
    baseline = box.y + 0.72 * setting.size
    for line in setting.lines:
        pen.words(line, -0.03 * setting.size, baseline, setting.size)
        baseline += setting.size * LINE_HEIGHT
    baseline += 1.75 * small - setting.size * LINE_HEIGHT
    for words in credits:
        pen.words(words, 0, baseline, small, "Label")
        baseline += 1.25 * small
    sheet.print(pen.mask(), inks.words, box.x, 0)
    return sheet


def _credits(film: DemoFilm, box: Box) -> list[str]:
    """Directors and year, in lines that fit."""
    most_letters = round(box.width / 16)
    lines = [""]
    for name in [*film.directors[:-1], f"{film.directors[-1]}, {film.year}"]:
        name = name if name.endswith(str(film.year)) else f"{name},"
        if lines[-1] and len(lines[-1]) + len(name) >= most_letters:
            lines.append(name)
        else:
            lines[-1] = f"{lines[-1]} {name}".strip()
    return lines


def _print_clock(sheet: Picture, inks: Inks, layout: Layout, second: int, duration_s: int) -> None:
    """The seconds that have passed, and how many there will be."""
    box, pen = layout.clock, Pen(layout.clock.width, layout.clock.height)
    pen.words(f"00:{second:02}", 0, box.height - 6, box.height * 1.1)
    pen.words(f"/ 00:{duration_s:02}", 140, box.height - 6, box.height * 0.5, "Label")
    sheet.print(pen.mask(), inks.words, box.x, box.y)


def _yuv(ink: str) -> tuple[float, float, float]:
    """A colour as television has it: BT.709, limited range."""
    red, green, blue = (int(ink[start : start + 2], 16) / 255 for start in (1, 3, 5))
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (
        16 + 219 * brightness,
        128 + 224 * (blue - brightness) / 1.8556,
        128 + 224 * (red - brightness) / 1.5748,
    )


def _write_sound(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(tones.SAMPLE_RATE)
        file.writeframes(samples.tobytes())


def _encode(pictures: Iterator[bytes], sound: Path, target: Path, title: str) -> None:
    """One key picture, and then only what changes: a master is read from its beginning.

    Each drawing is kept once, 12.5 a second; the packager shows it twice.
    """
    colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    command = [
        *("nice", "-n", "15", tool("ffmpeg"), "-v", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(STEPS_PER_S), *colours),
        *("-i", "pipe:0", "-i", str(sound)),
        *("-c:v", "libx264", "-preset", "slow", "-crf", "34", "-x264-params", FOR_FLAT_INKS, *colours),
        *("-c:a", "aac", "-b:a", "16k", "-fflags", "+bitexact", "-metadata", f"title={title}", str(target)),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603  # a list of ours, without a shell; run by hand alone
    assert encoder.stdin is not None  # noqa: S101  # for the types: PIPE was asked for
    for picture in pictures:
        encoder.stdin.write(picture)
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit(f"{target.name} could not be encoded")


if __name__ == "__main__":
    main(sys.argv[1:])
