"""The prepaid card as a printed ticket: drawn here alone, for the pages, the letters and the print.

The drawing's words stay words: a page sets them in its own faces and reads them out, the typesetter sets them in the same faces.
"""

from dataclasses import dataclass
from typing import Literal

import segno
from markupsafe import Markup, escape

from store.catalogue import lettering

YELLOW, INK, PAPER = "#fbc629", "#19120d", "#f8f3e9"  # the style sheet's --card, --on-card and, by day, --paper
DISPLAY = "'Bricolage Display','Display Stand-in','Arial Narrow',sans-serif"
LABEL = "'Bricolage Label','Label Stand-in',sans-serif"
CAPITAL = 0.66  # height of a capital letter, in ems of either face
LEADING = 1.2
QUIET_ZONE = 4  # light modules around a QR code, ISO/IEC 18004

CutName = Literal["wide", "offer", "band", "page", "sheet"]


@dataclass(frozen=True)
class Cut:
    """A size that tickets are cut to, and the sizes on it, in pixels on a page and points in print."""

    width: float
    height: float
    stub: float
    margin: float
    small: float
    sum: float
    code: float = 0
    square: float = 0

    @property
    def bite(self) -> float:
        """Radius of the holes at both ends of the perforation."""
        return self.small * 0.59

    @property
    def left(self) -> float:
        """Where the words begin."""
        return self.stub + self.margin

    @property
    def square_top(self) -> float:
        """Where the QR code's white paper begins."""
        return self.height - self.margin - self.square

    @property
    def foot(self) -> float:
        """The last baseline."""
        return self.height - self.margin * 0.95


CUTS: dict[CutName, Cut] = {
    "wide": Cut(360, 132, stub=56, margin=18, small=15, sum=44),
    "offer": Cut(300, 168, stub=56, margin=18, small=15, sum=62),
    "band": Cut(204, 124, stub=42, margin=14, small=14, sum=44),
    "page": Cut(504, 184, stub=64, margin=24, small=16, sum=88, square=136),
    "sheet": Cut(241, 153, stub=36, margin=12, small=10.5, sum=46, code=14, square=84),
}


@dataclass(frozen=True)
class TicketFacts:
    """What stands on a facts. Sums are words, written in the reader's language.

    `stub` is the number or name on the part that is torn off; `remaining` of `initial`, in cents, is the bar that empties; `code` is
    the whole code and `address` what its square leads to: of a ticket for print alone.
    """

    title: str
    sum: str
    line: str
    stub: str
    remaining: int | None = None
    initial: int | None = None
    code: str | None = None
    address: str | None = None

    @property
    def words(self) -> str:
        """The ticket read out."""
        return ", ".join(filter(None, (self.title, self.sum, self.line, self.stub, self.code)))


def draw_ticket(facts: TicketFacts, cut: CutName = "wide", *, paper: bool = False) -> Markup:
    """The ticket as SVG, yellow with ink by day and by night; `paper` is for one that lies upon yellow."""
    size = CUTS[cut]
    return Markup(  # noqa: S704  # each text in it is escaped; the rest are numbers of ours
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(size.width)} {_n(size.height)}" width="{_n(size.width)}"'
        f' height="{_n(size.height)}" role="img" aria-label="{escape(facts.words)}" fill="{INK}" font-family="{LABEL}"'
        f' font-weight="600" font-size="{_n(size.small)}">'
        f"{_sheet(size, PAPER if paper else YELLOW)}{_stub(facts.stub, size)}{_body(facts, size)}{_square(facts, size)}</svg>"
    )


def _sheet(size: Cut, colour: str) -> str:
    """The paper with its two holes, and the perforation between them."""
    bite, arc = size.bite, f"a{_n(size.bite)} {_n(size.bite)} 0 0 0"
    return (
        f'<path fill="{colour}" d="M0 0H{_n(size.stub - bite)}{arc} {_n(2 * bite)} 0H{_n(size.width)}V{_n(size.height)}'
        f'H{_n(size.stub + bite)}{arc} {_n(-2 * bite)} 0H0Z"/>'
        f'<path stroke="{INK}" stroke-width="2" stroke-dasharray="6 4" d="M{_n(size.stub)} {_n(bite + 3)}V{_n(size.height - bite - 1)}"/>'
    )


def _stub(words: str, size: Cut) -> str:
    baseline = size.stub / 2 + size.small * CAPITAL / 2
    return (
        f'<text transform="translate({_n(baseline)} {_n(size.foot)})rotate(-90)" letter-spacing="{_n(size.small * 0.07)}">'
        f"{escape(words)}</text>"
    )


def _body(facts: TicketFacts, size: Cut) -> str:
    """Title, sum, bar, line and code, each as large as its room allows."""
    whole_room = size.width - size.left - size.margin
    room = whole_room - size.square - size.margin if facts.address else whole_room
    code_lines = _halves(facts.code) if facts.code else []
    foot = size.foot - (len(code_lines) * size.code * LEADING + size.small * 0.5 if code_lines else 0)
    head = size.margin * 0.9 + size.small * CAPITAL
    lines = _lines(facts.line, size.small, room)
    first_line = foot - (len(lines) - 1) * size.small * LEADING
    bar = first_line - size.small * 1.85
    sum_foot = (head + first_line - size.small * CAPITAL + size.sum * CAPITAL) / 2
    drawn = [_words(facts.title, size.left, head, size.small, whole_room if head < size.square_top else room)]
    if facts.initial:
        sum_foot = bar - size.small * 0.68
        drawn.append(_bar(size.left, bar, room, size.small * 0.6, (facts.remaining or 0) / facts.initial))
    drawn.append(_sum(facts.sum, size, sum_foot, room))
    drawn += [
        _words(line, size.left, first_line + row * size.small * LEADING, size.small, room)
        for row, line in enumerate(lines)
    ]
    drawn += [
        _words(line, size.left, size.foot - row * size.code * LEADING, size.code, room)
        for row, line in enumerate(reversed(code_lines))
    ]
    return "".join(drawn)


def _sum(words: str, size: Cut, baseline: float, room: float) -> str:
    """The sum in the face of titles."""
    large = min(size.sum, room / max(lettering.display().width(words), 0.1))
    return (
        f'<text class="ticket-sum" x="{_n(size.left - large * 0.016)}" y="{_n(baseline)}" font-family="{DISPLAY}" font-weight="800"'
        f' font-size="{_n(large)}" letter-spacing="{_n(large * lettering.TRACKING_EM)}">{escape(words)}</text>'
    )


def _lines(words: str, size: float, room: float) -> list[str]:
    """The words on one line, or on two that are as even as they can be; a little too long is set smaller instead."""
    face, pieces = lettering.label(), words.split(" ")
    if face.width(words) * size <= room * 1.15 or len(pieces) == 1:
        return [words]
    halves = [(" ".join(pieces[:cut]), " ".join(pieces[cut:])) for cut in range(1, len(pieces))]
    return list(min(halves, key=lambda pair: max(map(face.width, pair))))


def _words(words: str, x: float, baseline: float, size: float, room: float) -> str:
    """A line of the label's face, set smaller than the ticket's small words only if it must."""
    fitting = min(size, room / max(lettering.label().width(words), 0.1))
    return f'<text x="{_n(x)}" y="{_n(baseline)}" font-size="{_n(fitting)}">{escape(words)}</text>'


def _bar(x: float, y: float, width: float, height: float, share: float) -> str:
    """What is left, as a bar in a frame."""
    full = width * min(max(share, 0), 1)
    return (
        f'<path fill="none" stroke="{INK}" stroke-width="2" d="M{_n(x + 1)} {_n(y + 1)}h{_n(width - 2)}v{_n(height - 2)}H{_n(x + 1)}Z"/>'
        f'<path d="M{_n(x)} {_n(y)}h{_n(full)}v{_n(height)}H{_n(x)}Z"/>'
    )


def _halves(code: str) -> list[str]:
    """A code on two lines, its groups whole."""
    groups = code.split("-")
    middle = (len(groups) + 1) // 2
    return [half for half in ("-".join(groups[:middle]), "-".join(groups[middle:])) if half]


def _square(facts: TicketFacts, size: Cut) -> str:
    """The QR code, black on white whatever the ticket's colour."""
    if not facts.address:
        return ""
    rows = [bytes(row) for row in segno.make_qr(facts.address, error="m").matrix]
    module = size.square / (len(rows) + 2 * QUIET_ZONE)
    x, y = size.width - size.margin - size.square, size.square_top
    dark = "".join(f"M{column} {line}h1v1h-1z" for line, row in enumerate(rows) for column, on in enumerate(row) if on)
    inset = QUIET_ZONE * module
    return (
        f'<path fill="#fff" d="M{_n(x)} {_n(y)}h{_n(size.square)}v{_n(size.square)}H{_n(x)}Z"/>'
        f'<path fill="#000" transform="translate({_n(x + inset)} {_n(y + inset)})scale({module:.4f})" d="{dark}"/>'
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
