"""Sets words as outlines: HarfBuzz kerns them, and the picture then needs no font."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import uharfbuzz

FONTS = Path(__file__).parent / "fonts"

MOST_LINES = 6
MOST_WORDS_TRIED = 14
LINE_HEIGHT = 0.89
TRACKING_EM = -0.012

# A line does not end with one of these: they lean on the word that follows. An article may stand alone on the first line.
LEANING = {"&", "à", "au", "aux", "d’", "de", "des", "du", "en", "et", "of", "ou", "par", "pour", "sur", "y"}
ARTICLES = {"la", "le", "les", "un", "une", "the", "a"}


@dataclass(frozen=True)
class Setting:
    """Lines of a title and the size, in picture units, at which they fill their measure."""

    lines: tuple[str, ...]
    size: float

    @property
    def height(self) -> float:
        """From the top of the first line's capitals to the last baseline."""
        return self.size * (0.72 + LINE_HEIGHT * (len(self.lines) - 1))


class Typeface:
    """One static face."""

    def __init__(self, path: Path, tracking_em: float = 0.0) -> None:
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
        self._font = uharfbuzz.Font(face)
        self._em = face.upem
        self._tracking = tracking_em * face.upem

    def covers(self, text: str) -> bool:
        """Whether the face has a glyph for every character."""
        return all(self._font.get_nominal_glyph(ord(character)) for character in text)

    def width(self, text: str) -> float:
        """Width of `text` in ems."""
        _, positions = self._shape(text)
        return sum(position.x_advance + self._tracking for position in positions) / self._em

    def outline(self, text: str, x: float, baseline: float, size: float) -> str:
        """SVG path data of `text`, set at `size` from `x` on `baseline`."""
        scale, pen = size / self._em, _PathPen()
        infos, positions = self._shape(text)
        for info, position in zip(infos, positions, strict=True):
            pen.move_to_glyph(x + position.x_offset * scale, baseline - position.y_offset * scale, scale)
            self._font.draw_glyph_with_pen(info.codepoint, pen)
            x += (position.x_advance + self._tracking) * scale
        return "".join(pen.commands)

    def _shape(self, text: str) -> tuple[list[uharfbuzz.GlyphInfo], list[uharfbuzz.GlyphPosition]]:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(str(text))  # it takes no subclass, such as a template’s Markup
        buffer.guess_segment_properties()
        uharfbuzz.shape(self._font, buffer, {"kern": True})
        return buffer.glyph_infos or [], buffer.glyph_positions or []


class _PathPen:
    """Writes outlines as SVG commands, in picture units with one decimal; the camel-case methods are the pen protocol's."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def move_to_glyph(self, x: float, y: float, scale: float) -> None:
        self._x, self._y, self._scale = x, y, scale

    def moveTo(self, point: tuple[float, float]) -> None:
        self._write("M", point)

    def lineTo(self, point: tuple[float, float]) -> None:
        self._write("L", point)

    def qCurveTo(self, *points: tuple[float, float]) -> None:
        self._write("Q", *points)

    def curveTo(self, *points: tuple[float, float]) -> None:
        self._write("C", *points)

    def closePath(self) -> None:
        self.commands.append("Z")

    def _write(self, command: str, *points: tuple[float, float]) -> None:
        placed = (f"{self._x + x * self._scale:.1f} {self._y - y * self._scale:.1f}" for x, y in points)
        self.commands.append(command + " ".join(placed).replace(".0 ", " ").removesuffix(".0"))


@cache
def display() -> Typeface:
    """The face of titles."""
    return Typeface(FONTS / "BricolageGrotesque-Display.ttf", TRACKING_EM)


@cache
def label() -> Typeface:
    """The face of labels."""
    return Typeface(FONTS / "BricolageGrotesque-Label.ttf")


def fit(title: str, width: float, height: float, largest: float) -> Setting:
    """The line breaks that let the title stand largest within `width` × `height`, and its size."""
    words = title.split(" ")
    space = _width_of(" ")
    widths = [_width_of(word) for word in words]
    best, best_score = Setting((title,), 1.0), 0.0
    for ends in _breaks(len(words)):
        lines = [(words[start:end], widths[start:end]) for start, end in pairwise((0, *ends, len(words)))]
        widest = max(sum(part) + space * (len(part) - 1) for _, part in lines)
        tallest = 0.72 + LINE_HEIGHT * (len(lines) - 1)
        size = min(largest, width / widest, height / tallest)
        leaning = sum(_leans([word.lower() for word in line]) for line, _ in lines[:-1])
        score = size * 0.85**leaning * 0.97 ** len(lines)
        if score > best_score:
            best, best_score = Setting(tuple(" ".join(line) for line, _ in lines), size), score
    return best


def _leans(line: list[str]) -> bool:
    return line[-1] in LEANING or (line[-1] in ARTICLES and len(line) > 1)


def _breaks(word_count: int) -> Iterator[tuple[int, ...]]:
    """All ways to break that many words into lines; a very long title is only cut evenly."""
    for line_count in range(1, min(word_count, MOST_LINES) + 1):
        if word_count <= MOST_WORDS_TRIED:
            yield from combinations(range(1, word_count), line_count - 1)
        else:
            yield tuple(round(word_count * part / line_count) for part in range(1, line_count))


def _width_of(text: str) -> float:
    face = display()
    return face.width(text) if face.covers(text) else 0.6 * len(text)
