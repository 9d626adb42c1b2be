"""Moving pictures in the style of the drawn posters: flat inks, a few large shapes, set in motion.

Shapes are drawn once, as masks; a picture of the film only places them, in whole pixels, which costs little to make and,
since a video encoder finds such motion again exactly, little to keep. Time is counted in steps, two pictures each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, cos, hypot, pi, sin
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from store.catalogue.lettering import FONTS
from store.catalogue.poster_art import Inks

Mask = np.ndarray
Point = tuple[float, float]
Place = Callable[[int], tuple[int, int]]

STEPS_PER_BEAT = 8
FINENESS = 3


@dataclass(frozen=True)
class Layer:
    """An ink, the shapes printed with it, one at a time, and where each step puts them."""

    ink: str
    masks: Sequence[Mask]
    place: Place = lambda step: (0, 0)
    chosen: Callable[[int], int] = lambda step: 0


@dataclass(frozen=True)
class Stage:
    """What a composition fills: its size in pixels, its inks and its dice."""

    width: int
    height: int
    inks: Inks
    dice: Random

    @property
    def short(self) -> int:
        """The shorter side."""
        return min(self.width, self.height)


@dataclass(frozen=True)
class Composition:
    """A way to fill a stage, what one sees, as the subtitles tell it, and whether it also fills a wide one well."""

    fill: Callable[[Stage], list[Layer]]
    french: str
    english: str
    wide: bool = False


class Pen:
    """Draws a mask of `width` × `height`, finer than it will be, so that edges come out smooth."""

    def __init__(self, width: float, height: float) -> None:
        self._image = Image.new("L", (ceil(width) * FINENESS, ceil(height) * FINENESS))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, *points: Point, on: bool = True) -> None:
        """A filled polygon, or a hole of its form."""
        self._draw.polygon([(x * FINENESS, y * FINENESS) for x, y in points], fill=255 * on)

    def rectangle(self, x: float, y: float, width: float, height: float, on: bool = True) -> None:
        """A filled rectangle, or a hole of its form."""
        self.polygon((x, y), (x + width, y), (x + width, y + height), (x, y + height), on=on)

    def disc(self, x: float, y: float, radius: float, on: bool = True) -> None:
        """A filled disc, or a hole of its form."""
        box = [(x - radius) * FINENESS, (y - radius) * FINENESS, (x + radius) * FINENESS, (y + radius) * FINENESS]
        self._draw.ellipse(box, fill=255 * on)

    def words(self, text: str, x: float, y: float, size: float, face: str = "Display", anchor: str = "ls") -> None:
        """Words in one of the shop's faces."""
        font = ImageFont.truetype(str(FONTS / f"BricolageGrotesque-{face}.ttf"), round(size * FINENESS))
        self._draw.text((x * FINENESS, y * FINENESS), text, fill=255, font=font, anchor=anchor)

    def mask(self) -> Mask:
        """What was drawn, from 0 to 1."""
        return np.asarray(self._image.reduce(FINENESS), dtype=np.float32) / 255


def _drawn_disc(radius: float) -> Mask:
    pen = Pen(2 * radius, 2 * radius)
    pen.disc(radius, radius, radius)
    return pen.mask()


def _beat(step: int) -> int:
    return step // STEPS_PER_BEAT


def _sway(middle: float, reach: float, steps: int, start: float = 0.0) -> Callable[[int], int]:
    return lambda step: round(middle + reach * sin(2 * pi * step / steps + start))


def _sliding(period: int, pixels_per_step: int, y: int = 0, start: int = 0) -> Place:
    """Endless motion of a mask that repeats itself after `period` pixels and is a period wider than the stage."""
    return lambda step: (-((start + step * pixels_per_step) % period), y)


def disc(stage: Stage) -> list[Layer]:
    """A disc that rises, and a small one around it."""
    radius, small = stage.short * 0.36, stage.short * 0.085
    x, rest = stage.width * 0.5, stage.height * 0.5
    way = stage.dice.choice((-1, 1))

    def height(step: int) -> float:
        return max(rest, stage.height + radius - 4 * step)

    def around(step: int) -> tuple[int, int]:
        angle = way * 2 * pi * step / 110
        reach = radius * 1.14
        return round(x + reach * cos(angle) - small), round(height(step) + reach * sin(angle) - small)

    return [
        Layer(stage.inks.first, [_drawn_disc(radius)], lambda step: (round(x - radius), round(height(step) - radius))),
        Layer(stage.inks.second, [_drawn_disc(small)], around),
    ]


def rings(stage: Stage) -> list[Layer]:
    """Rings around a heart, to and fro; every fourth beat the next one lights up."""
    count, outer = stage.dice.choice((4, 5)), stage.short * 0.47
    band = outer / (2 * count - 1)
    masks = []
    for index in range(count):
        pen = Pen(2 * outer, 2 * outer)
        pen.disc(outer, outer, (2 * index + 1) * band)
        if index:
            pen.disc(outer, outer, 2 * index * band, on=False)
        masks.append(pen.mask())
    slide = _sway(stage.width / 2 - outer, max(24, (stage.width / 2 - outer) * 0.7), 200)

    def place(step: int) -> tuple[int, int]:
        return slide(step), round(stage.height / 2 - outer)

    return [
        Layer(stage.inks.first, [np.maximum.reduce(masks)], place),
        Layer(stage.inks.second, masks, place, lambda step: _beat(step) // 4 % count),
    ]


def bars(stage: Stage) -> list[Layer]:
    """Leaning bars that pass; one in so many has another colour."""
    pitch, lean = stage.dice.choice((96, 112, 132)), stage.height * stage.dice.choice((-0.22, 0.22))
    count = stage.dice.choice((5, 6))
    period, way = count * pitch, stage.dice.choice((-2, 2))
    many, one = Pen(stage.width + period, stage.height), Pen(stage.width + period, stage.height)
    for index in range(-5, (stage.width + period) // pitch + 5):
        pen = many if index % count else one
        pen.polygon(*_leaning(index * pitch, pitch * 0.52, lean, stage.height))
    place = _sliding(period, way)
    return [Layer(stage.inks.first, [many.mask()], place), Layer(stage.inks.second, [one.mask()], place)]


def _leaning(x: float, width: float, lean: float, height: float) -> tuple[Point, ...]:
    return (x + lean, 0), (x + lean + width, 0), (x - lean + width, height), (x - lean, height)


def halftone(stage: Stage) -> list[Layer]:
    """A ball in a dot screen that drifts to and fro, and a disc that turns around it."""
    pitch, turn = 30, stage.dice.choice((0.0, pi / 12, pi / 4))
    reach = stage.short * 0.36
    light = (reach * 0.7, reach * 0.65)
    pen = Pen(2 * reach + pitch, 2 * reach + pitch)
    middle = reach + pitch / 2
    for row in range(-16, 17):
        for column in range(-16, 17):
            x = middle + pitch * (column * cos(turn) - row * sin(turn))
            y = middle + pitch * (column * sin(turn) + row * cos(turn))
            radius = pitch * 0.6 * (1 - hypot(x - light[0], y - light[1]) / (reach * 1.7))
            if radius > 1.5 and hypot(x - middle, y - middle) < reach:
                pen.disc(x, y, radius)
    moon = stage.short * 0.07
    slide = _sway(stage.width / 2 - middle, max(24, (stage.width / 2 - middle) * 0.5), 260)

    def around(step: int) -> tuple[int, int]:
        angle = 2 * pi * step / 130
        x, y = slide(step) + middle + reach * 1.2 * cos(angle), stage.height / 2 + reach * 1.2 * sin(angle)
        return round(x - moon), round(y - moon)

    return [
        Layer(stage.inks.first, [pen.mask()], lambda step: (slide(step), round(stage.height / 2 - middle))),
        Layer(stage.inks.second, [_drawn_disc(moon)], around),
    ]


def mountains(stage: Stage) -> list[Layer]:
    """Two ranges that drift by, and a sun that climbs."""
    radius = stage.short * 0.13
    x = stage.width * stage.dice.uniform(0.3, 0.7)
    far, far_period = _range(stage, 0.34, 0.6)
    near, near_period = _range(stage, 0.12, 0.36)
    return [
        Layer(
            stage.inks.second,
            [_drawn_disc(radius)],
            lambda step: (round(x - radius), round(max(stage.height * 0.08, stage.height * 0.62 - step))),
        ),
        Layer(stage.inks.first, [far], _sliding(far_period, 1)),
        Layer(_another(stage.inks), [near], _sliding(near_period, 2)),
    ]


def _range(stage: Stage, low: float, high: float) -> tuple[Mask, int]:
    """A range of mountains that repeats itself, and after how many pixels."""
    span, count = 190, 8
    heights = [
        stage.height * (1 - stage.dice.uniform(*((high * 0.8, high) if index % 2 else (low, low * 1.4))))
        for index in range(count)
    ]
    period = count * span
    pen = Pen(stage.width + period, stage.height)
    points = ceil((stage.width + period) / span) + 2
    ridge = [(index * span, heights[index % count]) for index in range(points)]
    pen.polygon((0, stage.height), *ridge, (points * span, stage.height))
    return pen.mask(), period


def leader(stage: Stage) -> list[Layer]:
    """The leader that projectionists know: a hand goes round, the seconds in the middle."""
    places, steps_each = 16, 4
    x, y, reach = stage.width / 2, stage.height / 2, stage.short * 0.45
    cross = Pen(stage.width, stage.height)
    cross.rectangle(0, y - 3, stage.width, 6)
    cross.rectangle(x - 3, 0, 6, stage.height)
    for radius in (reach, reach * 0.84):
        cross.disc(x, y, radius)
        cross.disc(x, y, radius - 8, on=False)
    heart = Pen(stage.width, stage.height)
    heart.disc(x, y, reach * 0.62)
    return [
        Layer(stage.inks.first, [_hand(stage, reach, place / places) for place in range(places)],
              chosen=lambda step: step // steps_each % places),
        Layer(stage.inks.words, [cross.mask()]),
        Layer(stage.inks.second, [heart.mask()]),
        Layer(stage.inks.ground, [_number(stage, reach, second) for second in range(30)],
              chosen=lambda step: step * 2 // 25 % 30),
    ]  # fmt: skip


def _hand(stage: Stage, reach: float, turn: float) -> Mask:
    x, y, angle, half = stage.width / 2, stage.height / 2, 2 * pi * turn, 0.16
    pen = Pen(stage.width, stage.height)
    ends = ((x + reach * sin(angle + side), y - reach * cos(angle + side)) for side in (-half, 0, half))
    pen.polygon((x, y), *ends)
    return pen.mask()


def _number(stage: Stage, reach: float, number: int) -> Mask:
    pen = Pen(stage.width, stage.height)
    pen.words(str(number), stage.width / 2, stage.height / 2, reach * 0.95, anchor="mm")
    return pen.mask()


def screen(stage: Stage) -> list[Layer]:
    """A screen on which a disc passes, and the heads of those who look at it."""
    wide, high = round(stage.width * 0.74), round(stage.height * 0.5)
    left, top = (stage.width - wide) // 2, round(stage.height * 0.1)
    lit = Pen(wide, high)
    lit.rectangle(0, 0, wide, high)
    radius = high * 0.3
    slide = _sway(stage.width / 2 - radius, wide / 2 - radius * 1.2, 150)
    layers = [
        Layer(stage.inks.second, [lit.mask()], lambda step: (left, top)),
        Layer(stage.inks.ground, [_drawn_disc(radius)], lambda step: (slide(step), round(top + high / 2 - radius))),
    ]
    gap = round(stage.width / stage.dice.choice((6, 7)))
    heads = (
        _head(stage, gap, index, rise=stage.dice.randrange(26), nods_on=stage.dice.randrange(4))
        for index in range(-1, ceil(stage.width / gap) + 1)
    )
    return [*layers, *heads]


def _head(stage: Stage, gap: int, index: int, rise: int, nods_on: int) -> Layer:
    radius, shoulder = gap * 0.27, gap * 0.46
    pen = Pen(gap, stage.height)
    pen.disc(gap / 2, radius + 2, radius)
    pen.disc(gap / 2, 2 * radius + shoulder, shoulder)
    pen.rectangle(gap / 2 - shoulder, 2 * radius + shoulder, 2 * shoulder, stage.height)
    top = stage.height - round(gap * 0.95) - rise
    x = index * gap + gap // 3
    return Layer(stage.inks.first, [pen.mask()], lambda step: (x, top + 8 * (_beat(step) % 4 == nods_on)))


def stairs(stage: Stage) -> list[Layer]:
    """Steps, and a ball that climbs them, one with every beat."""
    count = stage.dice.choice((5, 6))
    run, rise = stage.width / count, stage.height * 0.72 / count
    pen = Pen(stage.width, stage.height)
    for step in range(count):
        pen.rectangle(step * run, stage.height - (step + 1) * rise, run + 1, stage.height)
    radius = min(run * 0.34, stage.height * 0.12)

    def hop(step: int) -> tuple[int, int]:
        at, part = _beat(step) % (count + 1), step % STEPS_PER_BEAT / STEPS_PER_BEAT
        x = (at - 0.5 + part) * run
        y = stage.height - (at + part) * rise - 4 * part * (1 - part) * rise * 0.9
        return round(x - radius), round(y - 2 * radius)

    return [Layer(stage.inks.first, [pen.mask()]), Layer(stage.inks.second, [_drawn_disc(radius)], hop)]


def waves(stage: Stage) -> list[Layer]:
    """Swell upon swell, each against the last, under a moon that goes by."""
    radius, period, count = stage.height * 0.16, 260, 4
    journey = stage.width + round(4 * radius)
    layers = [
        Layer(
            stage.inks.second,
            [_drawn_disc(radius)],
            lambda step: ((step * 2 + stage.width // 3) % journey - round(2 * radius), round(stage.height * 0.1)),
        )
    ]
    for index in range(count):
        top = round(stage.height * (0.36 + 0.16 * index))
        ink = stage.inks.ground if index % 2 else stage.inks.first
        speed = 1 if index % 2 else -1
        layers.append(Layer(ink, [_swell(stage, period)], _sliding(period, speed, top, start=index * 70)))
    return layers


def _swell(stage: Stage, period: int) -> Mask:
    pen = Pen(stage.width + period, stage.height)
    crest = [(x, 16 + 16 * sin(2 * pi * x / period)) for x in range(0, stage.width + period + 4, 4)]
    pen.polygon((0, stage.height), *crest, (stage.width + period, stage.height))
    return pen.mask()


def filmstrip(stage: Stage) -> list[Layer]:
    """A strip of film that runs, one frame of it in colour."""
    width, frame, gap = round(stage.short * 0.62), round(stage.short * 0.36), 20
    period, margin = frame + gap, 62
    left = (stage.width - width) // 2
    strip, lit = Pen(width, stage.height + period), Pen(width - 2 * margin, frame)
    strip.rectangle(0, 0, width, stage.height + period)
    for index in range(ceil(stage.height / period) + 2):
        strip.rectangle(margin, index * period, width - 2 * margin, frame, on=False)
        for hole in range(5):
            y = index * period + hole * period / 5 + 6
            strip.rectangle(18, y, 26, period / 5 - 18, on=False)
            strip.rectangle(width - 44, y, 26, period / 5 - 18, on=False)
    lit.rectangle(0, 0, width - 2 * margin, frame)
    journey = period * (ceil(stage.height / period) + 1)
    return [
        Layer(stage.inks.second, [lit.mask()], lambda step: (left + margin, -(step * 4 % journey) + journey - period)),
        Layer(stage.inks.first, [strip.mask()], lambda step: (left, -(step * 4 % period))),
    ]


def sun(stage: Stage) -> list[Layer]:
    """A sun that rises, and a ray that wanders."""
    count, x, far = stage.dice.choice((7, 9)), stage.width / 2, stage.width + stage.height
    radius = stage.short * 0.3
    rays = []
    for index in range(count):
        pen = Pen(stage.width, stage.height)
        middle, half = pi * (index + 0.5) / count, pi / count / 4
        edges = ((x - far * cos(angle), stage.height - far * sin(angle)) for angle in (middle - half, middle + half))
        pen.polygon((x, stage.height), *edges)
        rays.append(pen.mask())

    def rise(size: float) -> Place:
        return lambda step: (round(x - size), round(max(stage.height * 0.72, stage.height + radius - 2 * step) - size))

    return [
        Layer(stage.inks.first, [np.maximum.reduce(rays)]),
        Layer(stage.inks.second, rays, chosen=lambda step: _beat(step) // 2 % count),
        Layer(stage.inks.ground, [_drawn_disc(radius + 22)], rise(radius + 22)),
        Layer(stage.inks.second, [_drawn_disc(radius)], rise(radius)),
    ]


def crowd(stage: Stage) -> list[Layer]:
    """Two rows of people who stand up one after the other; somebody stands out."""
    layers, size, top, rows = [], stage.height * 0.13, stage.height * 0.2, 2
    for row in range(rows):
        gap = size * 2.5
        count = ceil(stage.width / gap) + 2
        pen = Pen(size * 2.2, stage.height)
        _person(pen, size * 1.1, size, stage.height)
        for index in range(count):
            stands_out = row == rows - 1 and index == count // 2
            ink = stage.inks.second if stands_out else stage.inks.first if row % 2 else _another(stage.inks)
            x = round((index - 0.5 - row % 2 * 0.4) * gap - size * 1.1)
            layers.append(Layer(ink, [pen.mask()], _standing_up(x, round(top), index + row, round(size * 0.5))))
        top += stage.height * 0.3
        size *= 1.35
    return layers


def _standing_up(x: int, y: int, turn: int, rise: int) -> Place:
    return lambda step: (x, y - rise * (_beat(step) // 2 % 7 == turn % 7))


def _person(pen: Pen, x: float, size: float, foot: float) -> None:
    pen.disc(x, size * 0.7, size * 0.62)
    pen.disc(x, size * 2.45, size * 1.05)
    pen.rectangle(x - size * 1.05, size * 2.45, size * 2.1, foot)


def windows(stage: Stage) -> list[Layer]:
    """A block of flats at night; with every beat other windows are lit."""
    columns, rows = stage.dice.choice(((5, 6), (6, 6), (4, 5)))
    left, top = stage.width * 0.1, stage.height * 0.12
    width, height = (stage.width - 2 * left) / columns, (stage.height - top) / rows
    block = Pen(stage.width, stage.height)
    block.rectangle(left - 22, top - 26, stage.width - 2 * left + 44, stage.height)
    panes = [
        (left + width * (column + 0.16), top + height * (row + 0.12), width * 0.68, height * 0.62)
        for column in range(columns)
        for row in range(rows)
    ]
    for pane in panes:
        block.rectangle(*pane, on=False)
    evenings = []
    for _ in range(12):
        lit = Pen(stage.width, stage.height)
        for pane in stage.dice.sample(panes, 5):
            lit.rectangle(*pane)
        evenings.append(lit.mask())
    return [
        Layer(stage.inks.second, evenings, chosen=lambda step: _beat(step) // 2 % 12),
        Layer(stage.inks.first, [block.mask()]),
    ]


def factory(stage: Stage) -> list[Layer]:
    """Saw-tooth roofs, a chimney, and the puffs that leave it."""
    teeth = stage.dice.choice((3, 4))
    width, roof = stage.width / teeth, stage.height * 0.66
    works = Pen(stage.width, stage.height)
    points: list[Point] = [(0, stage.height)]
    for index in range(teeth):
        points += [(index * width, roof), ((index + 1) * width, roof - stage.height * 0.16)]
    works.polygon(*points, (stage.width, stage.height))
    x, mouth = stage.width * 0.2, stage.height * 0.34
    works.polygon((x - 40, stage.height), (x - 24, mouth), (x + 24, mouth), (x + 40, stage.height))
    for index in range(teeth):
        works.rectangle(index * width + width * 0.3, stage.height * 0.8, width * 0.4, stage.height * 0.09, on=False)
    radius, apart, count = stage.short * 0.075, 130, 7

    def puff(index: int) -> Place:
        def place(step: int) -> tuple[int, int]:
            way = (step * 2 + index * apart) % (apart * count)
            return round(x - radius + way), round(mouth - radius - way // 4)

        return place

    puffs = [Layer(stage.inks.second, [_drawn_disc(radius)], puff(index)) for index in range(count)]
    return [*puffs, Layer(stage.inks.first, [works.mask()])]


def _another(inks: Inks) -> str:
    """An ink that stands apart from the others: the words', or the first printed as a half tone on the ground."""
    if inks.words not in (inks.first, inks.second):
        return inks.words
    pairs = ((int(inks.first[at : at + 2], 16), int(inks.ground[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{(first + ground) // 2:02x}" for first, ground in pairs)


COMPOSITIONS = {
    "disc": Composition(disc, "un disque se lève", "a disc rises"),
    "rings": Composition(rings, "des anneaux s’allument tour à tour", "rings light up in turn"),
    "bars": Composition(bars, "des barres filent de biais", "slanted bars rush by", wide=True),
    "halftone": Composition(halftone, "une boule de trame dérive avec sa lune", "a ball of dots drifts with its moon"),
    "mountains": Composition(mountains, "des montagnes dérivent sous le soleil", "mountains drift under the sun", wide=True),
    "leader": Composition(leader, "une amorce compte les secondes", "a film leader counts the seconds"),
    "screen": Composition(screen, "des têtes, de dos, devant un écran", "heads, from behind, before a screen", wide=True),
    "stairs": Composition(stairs, "une balle monte l’escalier", "a ball climbs the stairs", wide=True),
    "waves": Composition(waves, "la houle va, la lune passe", "the swell rolls, the moon goes by", wide=True),
    "filmstrip": Composition(filmstrip, "une pellicule défile", "a strip of film runs"),
    "sun": Composition(sun, "un soleil se lève, un rayon se promène", "a sun rises, a ray wanders", wide=True),
    "crowd": Composition(crowd, "une foule fait la vague, quelqu’un se distingue", "a crowd does the wave, somebody stands out", wide=True),
    "windows": Composition(windows, "des fenêtres s’allument, d’autres s’éteignent", "windows light up, others go dark", wide=True),
    "factory": Composition(factory, "une usine fume, les nuages filent", "a factory smokes, the clouds move on", wide=True),
}  # fmt: skip
