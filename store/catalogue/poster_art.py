"""The pictures on drawn posters. Each composition fills the top of a 600-wide sheet, down to `height`, with flat inks like a screen print.

A composition takes a `Sheet` and gives SVG shapes back. Its randomness comes from the sheet's dice alone, so that a film's poster
is the same on every machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from random import Random
from typing import TypeVar

from store.catalogue import lettering

T = TypeVar("T")

WIDTH = 600

INK, VERMILION, YELLOW, BLUE, GREEN, PURPLE, PAPER = (
    "#1a1410", "#cf331a", "#f3b90f", "#1f4ea1", "#2d6a4f", "#6a2c5e", "#f5ecdc",
)  # fmt: skip


@dataclass(frozen=True)
class Inks:
    """The colours of one sheet: the ground, two inks of the picture, and the words'."""

    ground: str
    first: str
    second: str
    words: str


PALETTES = (
    Inks(VERMILION, INK, PAPER, PAPER),
    Inks(VERMILION, YELLOW, INK, PAPER),
    Inks(INK, VERMILION, PAPER, PAPER),
    Inks(INK, YELLOW, VERMILION, PAPER),
    Inks(YELLOW, VERMILION, INK, INK),
    Inks(YELLOW, INK, PAPER, INK),
    Inks(YELLOW, BLUE, INK, INK),
    Inks(PAPER, VERMILION, INK, INK),
    Inks(PAPER, BLUE, VERMILION, INK),
    Inks(PAPER, GREEN, INK, INK),
    Inks(BLUE, YELLOW, PAPER, PAPER),
    Inks(BLUE, VERMILION, PAPER, PAPER),
    Inks(GREEN, YELLOW, PAPER, PAPER),
    Inks(GREEN, PAPER, YELLOW, PAPER),
    Inks(PURPLE, YELLOW, VERMILION, PAPER),
    Inks(PURPLE, VERMILION, PAPER, PAPER),
)


@dataclass(frozen=True)
class Sheet:
    """What a composition draws on."""

    title: str
    height: float
    inks: Inks
    dice: Random

    def between(self, low: float, high: float) -> float:
        """A throw between two values."""
        return low + (high - low) * self.dice.random()

    def one_of(self, *choices: T) -> T:
        """One of several, each as likely."""
        return choices[int(self.dice.random() * len(choices))]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "Z"


def _shape(data: str, fill: str) -> str:
    return f'<path fill="{fill}" d="{data}"/>'


def _polygon(fill: str, *points: tuple[float, float]) -> str:
    return _shape(_path(*points), fill)


def _rect(fill: str, x: float, y: float, width: float, height: float) -> str:
    return _shape(f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}Z", fill)


def _disc(fill: str, x: float, y: float, radius: float) -> str:
    return f'<circle fill="{fill}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>'


def _clip(name: str, shape: str, content: str) -> str:
    return f'<clipPath id="{name}">{shape}</clipPath><g clip-path="url(#{name})">{content}</g>'


def disc(sheet: Sheet) -> str:
    """One disc, sometimes leaving the sheet, with a smaller one across it."""
    radius = sheet.between(0.36, 0.46) * min(WIDTH, sheet.height)
    x, y = sheet.between(0.3, 0.86) * WIDTH, sheet.height * sheet.between(0.46, 0.54)
    small = radius * sheet.between(0.2, 0.34)
    angle = sheet.between(0, 2 * pi)
    return _disc(sheet.inks.first, x, y, radius) + _disc(
        sheet.inks.second, x + (radius - small * 1.6) * cos(angle), y + (radius - small * 1.6) * sin(angle), small
    )


def rings(sheet: Sheet) -> str:
    """Rings around a heart, which may lie off centre."""
    count = sheet.one_of(4, 5, 7)
    outer = min(WIDTH * 0.47, sheet.height * 0.5)
    drift = sheet.one_of(0.0, 0.0, 0.55)
    shapes = []
    for step in range(count * 2 - 1):
        radius = outer * (1 - step / (count * 2 - 1))
        colour = sheet.inks.ground if step % 2 else sheet.inks.first
        shapes.append(_disc(colour, WIDTH / 2 + (outer - radius) * drift, sheet.height * 0.53, radius))
    shapes[-1] = shapes[-1].replace(sheet.inks.first, sheet.inks.second)
    return "".join(shapes)


def bars(sheet: Sheet) -> str:
    """Leaning bars that swell from one side to the other; one of them in the second ink."""
    count = sheet.one_of(6, 7, 8)
    lean = sheet.one_of(-1, 1) * sheet.between(50, 130)
    pitch = (WIDTH + 200) / count
    odd = int(sheet.between(1, count - 1))
    shapes = []
    for index in range(count + 1):
        x = -120 + index * pitch
        thickness = pitch * (0.25 + 0.55 * index / count)
        colour = sheet.inks.second if index == odd else sheet.inks.first
        shapes.append(
            _polygon(
                colour,
                (x + lean, 0),
                (x + lean + thickness, 0),
                (x - lean + thickness, sheet.height),
                (x - lean, sheet.height),
            )
        )
    return "".join(shapes)


def halftone(sheet: Sheet) -> str:
    """A ball of light, or its shadow, in a turned dot screen."""
    pitch, turn = 36, sheet.one_of(0.0, pi / 12, pi / 4)
    centre = (WIDTH * sheet.between(0.38, 0.62), sheet.height * 0.52)
    reach = min(WIDTH * 0.5, sheet.height * 0.54)
    light = (centre[0] + reach * sheet.between(-0.4, 0.4), centre[1] - reach * 0.35)
    dots = []
    for row in range(-14, 15):
        for column in range(-14, 15):
            dx, dy = column * pitch, row * pitch
            x = centre[0] + dx * cos(turn) - dy * sin(turn)
            y = centre[1] + dx * sin(turn) + dy * cos(turn)
            if hypot(x - centre[0], y - centre[1]) > reach or y > sheet.height - 6:
                continue
            radius = pitch * 0.62 * (1 - hypot(x - light[0], y - light[1]) / (reach * 1.55))
            if radius > 1.5:
                dots.append(
                    f"M{_n(x - radius)} {_n(y)}a{_n(radius)} {_n(radius)} 0 1 0 {_n(2 * radius)} 0a{_n(radius)} {_n(radius)} 0 1 0 {_n(-2 * radius)} 0"
                )
    return _shape("".join(dots), sheet.inks.first)


def mountains(sheet: Sheet) -> str:
    """Two ranges, the nearer printed over the farther, and a sun."""
    inks, foot = sheet.inks, sheet.height
    if inks.first == INK:
        far_ink, near_ink = _darker(inks.ground), INK
    else:
        far_ink, near_ink = inks.first, _darker(inks.first) if inks.ground == INK else INK
    sun = _disc(inks.second, WIDTH * sheet.between(0.2, 0.8), foot * 0.2, sheet.between(40, 64))
    far, near = _ridge(sheet, foot, 0.34, 0.62), _ridge(sheet, foot, 0.1, 0.36)
    return sun + _polygon(far_ink, *far) + _polygon(near_ink, *near)


def _ridge(sheet: Sheet, foot: float, low: float, high: float) -> list[tuple[float, float]]:
    points, x = [(-10.0, foot)], -10.0
    up = sheet.one_of(True, False)
    while x < WIDTH + 10:
        share = sheet.between(high * 0.82, high) if up else sheet.between(low, low * 1.4)
        points.append((x, foot * (1 - share)))
        x += sheet.between(120, 190)
        up = not up
    return [*points, (WIDTH + 10, foot * (1 - low)), (WIDTH + 10, foot)]


def screen(sheet: Sheet) -> str:
    """A screen in a dark room, and the heads of those who look at it."""
    inks = sheet.inks
    wide, high = 420.0, min(sheet.height * 0.5, 270)
    left, top = (WIDTH - wide) / 2, sheet.height * 0.14
    beam = _polygon(inks.second, (left, top), (left + wide, top), (left + wide, top + high), (left, top + high))
    heads, foot = [], sheet.height
    gap = sheet.one_of(86.0, 100.0, 120.0)
    x = sheet.between(-20, 20)
    while x < WIDTH + 40:
        rise = sheet.between(0.0, 26.0)
        heads.append(_disc(inks.first, x, foot - 74 - rise, gap * 0.27))
        heads.append(
            _shape(
                f"M{_n(x - gap * 0.44)} {_n(foot)}v{_n(-18 - rise)}a{_n(gap * 0.44)} {_n(gap * 0.36)} 0 0 1 {_n(gap * 0.88)} 0v{_n(18 + rise)}Z",
                inks.first,
            )
        )
        x += gap
    return beam + "".join(heads)


def stairs(sheet: Sheet) -> str:
    """Steps that climb, and a ball that has got somewhere on them."""
    count = sheet.one_of(5, 6, 7)
    run, rise = WIDTH / count, sheet.height * 0.78 / count
    points = [(0.0, sheet.height)]
    for step in range(count):
        top = sheet.height - (step + 1) * rise
        points += [(step * run, top), ((step + 1) * run, top)]
    points.append((WIDTH, sheet.height))
    reached = int(sheet.between(1, count - 1))
    radius = run * 0.4
    ball = _disc(sheet.inks.second, (reached + 0.5) * run, sheet.height - (reached + 1) * rise - radius, radius)
    if sheet.one_of(True, False):
        points = [(WIDTH - x, y) for x, y in points]
        ball = _disc(
            sheet.inks.second, WIDTH - (reached + 0.5) * run, sheet.height - (reached + 1) * rise - radius, radius
        )
    return _polygon(sheet.inks.first, *points) + ball


def waves(sheet: Sheet) -> str:
    """Swell upon swell, under a low moon."""
    count = sheet.one_of(5, 6)
    step = sheet.height * 0.72 / count
    length = sheet.one_of(WIDTH / 2, WIDTH / 3)
    shapes = [_disc(sheet.inks.second, WIDTH * sheet.between(0.25, 0.75), sheet.height * 0.24, sheet.height * 0.17)]
    for index in range(count):
        y = sheet.height * 0.34 + index * step
        half, swing = length / 2, step * 0.52
        start = -length + (index % 2) * half
        data = f"M{_n(start)} {_n(y)}q{_n(half / 2)} {_n(-swing)} {_n(half)} 0" + f"t{_n(half)} 0" * int(
            (WIDTH + 2 * length) / half
        )
        shapes.append(
            _shape(
                f"{data}V{_n(sheet.height + (0 if index % 2 == 0 else 3))}H{_n(start)}Z",
                sheet.inks.first if index % 2 == 0 else sheet.inks.ground,
            )
        )
    return "".join(shapes)


def initial(sheet: Sheet) -> str:
    """The title's first letter or figure, far too large for the sheet."""
    letter = next((character for character in sheet.title if character.isalnum()), "?").upper()
    face = lettering.display()
    if not face.covers(letter):
        return rings(sheet)
    size = min(sheet.height * sheet.between(1.55, 1.75), 640 / face.width(letter))
    width = face.width(letter) * size
    x = sheet.one_of(-0.06 * width, (WIDTH - width) / 2, WIDTH - 0.94 * width)
    baseline = sheet.height * sheet.one_of(0.98, 1.12)
    window = _shape(f"M0 0H{WIDTH}V{_n(sheet.height)}H0Z", INK)
    echo = face.outline(letter, x + 24, baseline + 24, size)
    return _clip(
        "sheet",
        window,
        _shape(echo, sheet.inks.second) + _shape(face.outline(letter, x, baseline, size), sheet.inks.first),
    )


def folded(sheet: Sheet) -> str:
    """A leaflet, folded like an accordion, standing on its edge."""
    count = sheet.one_of(4, 5, 6)
    width, sway = WIDTH / count, sheet.height * sheet.between(0.1, 0.16)
    top, bottom = sheet.height * 0.16, sheet.height * 0.94
    shapes = []
    for index in range(count):
        left, right = index * width, (index + 1) * width
        up_left, up_right = (0, sway) if index % 2 == 0 else (sway, 0)
        colour = sheet.inks.first if index % 2 == 0 else sheet.inks.second
        shapes.append(
            _polygon(
                colour,
                (left, top + up_left),
                (right, top + up_right),
                (right, bottom - sway + up_right),
                (left, bottom - sway + up_left),
            )
        )
    return "".join(shapes)


def overprint(sheet: Sheet) -> str:
    """A disc and a square printed over one another, the lap in a third, darker ink."""
    inks, height = sheet.inks, sheet.height
    radius = min(height * 0.34, 190)
    x, y = WIDTH * sheet.between(0.36, 0.44), height * 0.44
    side = radius * 1.75
    left, top = x + radius * sheet.between(-0.2, 0.15), y + radius * sheet.between(-0.35, -0.1)
    square = f"M{_n(left)} {_n(top)}h{_n(side)}v{_n(min(side, height - top))}h{_n(-side)}Z"
    lap = _darker(inks.first) if INK in (inks.second, inks.ground) else INK
    under = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>'
    return _disc(inks.first, x, y, radius) + _shape(square, inks.second) + _clip("lap", under, _shape(square, lap))


def sun(sheet: Sheet) -> str:
    """A rising sun and its rays."""
    count = sheet.one_of(9, 11, 13)
    x, foot = WIDTH * sheet.one_of(0.5, 0.5, 0.28, 0.72), sheet.height
    far = 1400
    rays = []
    for index in range(count):
        middle = pi * (index + 0.5) / count
        half = pi / count / 4 * 1.05
        rays.append(
            _path(
                (x, foot),
                (x - far * cos(middle - half), foot - far * sin(middle - half)),
                (x - far * cos(middle + half), foot - far * sin(middle + half)),
            )
        )
    radius = min(sheet.height * 0.42, 190)
    rim = f"M{_n(x - radius - 26)} {_n(foot)}a{_n(radius + 26)} {_n(radius + 26)} 0 0 1 {_n(2 * radius + 52)} 0Z"
    half_disc = f"M{_n(x - radius)} {_n(foot)}a{_n(radius)} {_n(radius)} 0 0 1 {_n(2 * radius)} 0Z"
    window = _shape(f"M0 0H{WIDTH}V{_n(foot)}H0Z", INK)
    return (
        _clip("sky", window, _shape("".join(rays), sheet.inks.first))
        + _shape(rim, sheet.inks.ground)
        + _shape(half_disc, sheet.inks.second)
    )


def filmstrip(sheet: Sheet) -> str:
    """A strip of film across the sheet, one frame of it in the second ink."""
    inks = sheet.inks
    tilt = sheet.one_of(-14, 9, 14, -9)
    width, frame_high = 330.0, 210.0
    left = (WIDTH - width) / 2
    strip = [_rect(inks.first, left, -300, width, sheet.height + 700)]
    lit = sheet.one_of(2, 3)
    for index in range(9):
        y = -280 + index * (frame_high + 22)
        strip.append(_rect(inks.second if index == lit else inks.ground, left + 58, y, width - 116, frame_high))
    for index in range(24):
        y = -290 + index * 56
        strip += [_rect(inks.ground, left + 16, y, 26, 32), _rect(inks.ground, left + width - 42, y, 26, 32)]
    window = _shape(f"M0 0H{WIDTH}V{_n(sheet.height)}H0Z", INK)
    turned = f'<g transform="rotate({tilt} 300 {_n(sheet.height / 2)})">{"".join(strip)}</g>'
    return _clip("strip", window, turned)


def eye(sheet: Sheet) -> str:
    """An eye that looks to one side, lashes and all."""
    inks, y = sheet.inks, sheet.height * 0.56
    reach, lid = 262.0, sheet.height * 0.42
    almond = f"M{_n(300 - reach)} {_n(y)}Q300 {_n(y - 2 * lid * 0.86)} {_n(300 + reach)} {_n(y)}Q300 {_n(y + 2 * lid * 0.8)} {_n(300 - reach)} {_n(y)}Z"
    look = sheet.one_of(-62.0, 0.0, 62.0)
    iris = lid * 0.6
    lashes = []
    for index in range(7):
        angle = pi * (0.2 + 0.6 * index / 6)
        x, foot = 300 - reach * 0.92 * cos(angle), y - lid * 0.92 * sin(angle) ** 1.5
        lashes.append(
            _polygon(inks.first, (x - 9, foot), (x + 9, foot), (300 - (reach + 110) * 0.92 * cos(angle), foot - 84))
        )
    white = inks.second if inks.second not in (inks.first, INK) else PAPER if inks.ground != PAPER else YELLOW
    return (
        "".join(lashes)
        + _shape(almond, inks.first)
        + _clip(
            "lids",
            _shape(almond, INK),
            _disc(white, 300 + look, y, iris)
            + _disc(INK if inks.first != INK else inks.ground, 300 + look, y, iris * 0.5),
        )
        + _disc(white, 300 + look + iris * 0.24, y - iris * 0.24, iris * 0.12)
    )


def crowd(sheet: Sheet) -> str:
    """People in rows, each row nearer and larger; somebody stands out."""
    inks, shapes = sheet.inks, []
    rows = 4
    chosen_row, chosen = rows - 1, int(sheet.between(1, 3))
    y, size = sheet.height * 0.3, 34.0
    for row in range(rows):
        gap = size * 2.35
        start = -gap * sheet.between(0.1, 0.6)
        for index in range(int(WIDTH / gap) + 3):
            x = start + index * gap
            stands_out = (row, index) == (chosen_row, chosen)
            colour = inks.second if stands_out else inks.first if row % 2 else _darker(inks.first)
            rise = sheet.between(-0.25, 0.25) * size
            shapes.append(_disc(inks.ground, x, y - rise, size * 0.78))
            shapes.append(_disc(colour, x, y - rise, size * 0.66))
            shapes.append(
                _shape(
                    f"M{_n(x - size * 1.12)} {_n(sheet.height)}V{_n(y - rise + size * 1.75)}a{_n(size * 1.12)} {_n(size)} 0 0 1 {_n(size * 2.24)} 0V{_n(sheet.height)}Z",
                    colour,
                )
            )
        y += sheet.height * 0.16
        size *= 1.32
    return _clip("crowd", _shape(f"M0 0H{WIDTH}V{_n(sheet.height)}H0Z", INK), "".join(shapes))


def factory(sheet: Sheet) -> str:
    """Saw-tooth roofs, chimneys, and what comes out of them."""
    inks, foot = sheet.inks, sheet.height
    teeth = sheet.one_of(3, 4)
    width = WIDTH / teeth
    roof = foot * 0.66
    points = [(0.0, foot)]
    for index in range(teeth):
        points += [(index * width, roof), ((index + 1) * width, roof - foot * 0.16)]
    points += [(float(WIDTH), foot)]
    chimney_x = sheet.between(90, 170) if sheet.one_of(True, False) else sheet.between(380, 470)
    chimney = _polygon(
        inks.first,
        (chimney_x, foot),
        (chimney_x + 14, foot * 0.34),
        (chimney_x + 62, foot * 0.34),
        (chimney_x + 76, foot),
    )
    smoke, way = [], 1 if chimney_x < 300 else -1
    for index, radius in enumerate((34, 52, 76, 104)):
        smoke.append(_disc(inks.second, chimney_x + 38 + way * index * 82, foot * 0.27 - index * foot * 0.035, radius))
    windows = "".join(
        _rect(inks.ground, index * width + width * 0.3, foot * 0.8, width * 0.4, foot * 0.09) for index in range(teeth)
    )
    return "".join(smoke) + chimney + _polygon(inks.first, *points) + windows


def windows(sheet: Sheet) -> str:
    """A block of flats at night, a few windows lit."""
    inks = sheet.inks
    columns, rows = sheet.one_of((5, 6), (6, 7), (4, 5))
    left, top = 60.0, sheet.height * 0.1
    width, height = (WIDTH - 2 * left) / columns, (sheet.height - top) / rows
    shapes = [_rect(inks.first, left - 22, top - 26, WIDTH - 2 * left + 44, sheet.height - top + 26)]
    lit = {int(sheet.between(0, columns * rows)) for _ in range(5)}
    for index in range(columns * rows):
        row, column = divmod(index, columns)
        colour = inks.second if index in lit else inks.ground
        shapes.append(
            _rect(
                colour,
                left + column * width + width * 0.16,
                top + row * height + height * 0.12,
                width * 0.68,
                height * 0.62,
            )
        )
    return "".join(shapes)


def flag(sheet: Sheet) -> str:
    """A flag in the wind."""
    inks, height = sheet.inks, sheet.height
    pole = sheet.between(70, 120)
    top, drop, swing = height * 0.1, height * 0.46, height * sheet.between(0.1, 0.15)
    there = f"c150 {_n(-swing)} 230 {_n(swing * 1.4)} {_n(WIDTH + 20 - pole)} {_n(-swing * 0.4)}"
    back = f"c-260 {_n(swing * 1.8)} -330 {_n(-swing)} {_n(pole - WIDTH - 20)} {_n(swing * 0.4)}"
    bands = sheet.one_of((inks.first,), (inks.first, inks.second), (inks.first, inks.second, inks.first))
    high = drop / len(bands)
    cloth = [
        _shape(f"M{_n(pole)} {_n(top + high * index)}{there}v{_n(high)}{back}Z", colour)
        for index, colour in enumerate(bands)
    ]
    return "".join(cloth) + _rect(inks.second, pole - 20, height * 0.04, 20, height * 0.96)


def _darker(colour: str) -> str:
    """The same ink printed twice."""
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(part * 0.62):02x}" for part in parts)


Composition = Callable[[Sheet], str]

COMPOSITIONS: tuple[Composition, ...] = (
    disc, rings, bars, halftone, mountains, screen, stairs, waves, initial, folded, overprint, sun, filmstrip, eye, crowd,
    factory, windows, flag,
)  # fmt: skip
