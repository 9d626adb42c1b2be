"""Subtitles from outside, parsed and rewritten as plain WebVTT: of the original's markup only i and b survive."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

HEAVIEST_BYTES = 4 * 1024 * 1024

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_PIECE = re.compile(r"<[^>]*>?|[^<]+")
_KEPT_TAG = re.compile(r"<(/?)([ib])(?:[.\s][^>]*)?>")


@dataclass(frozen=True)
class Subtitle:
    """A subtitle file and the name of its track (`fr`, `en`, `fr-sdh`)."""

    name: str
    path: Path


class SubtitlesRefused(Exception):
    """A subtitle file that cannot be used; the message is one line for whoever delivered it."""


@dataclass(frozen=True, order=True)
class _Cue:
    start_ms: int
    end_ms: int
    text: str


def rewrite(subtitle: Subtitle, until_s: float) -> str:
    """The file's cues up to `until_s` as plain WebVTT; takes WebVTT and SubRip. Raises SubtitlesRefused."""
    if subtitle.path.stat().st_size > HEAVIEST_BYTES:
        raise SubtitlesRefused(f"{subtitle.path.name}: larger than {HEAVIEST_BYTES} bytes")
    try:
        source = subtitle.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SubtitlesRefused(f"{subtitle.path.name}: not UTF-8 text") from None
    text = plain_webvtt(source, round(until_s * 1000))
    if "-->" not in text:
        raise SubtitlesRefused(f"{subtitle.path.name}: no cue in it that falls within the film")
    return text


def plain_webvtt(source: str, until_ms: int) -> str:
    """`source`'s cues in order of time, cut at `until_ms`: no STYLE, NOTE or REGION, no settings, no classes."""
    blocks = re.split(r"\n[ \t]*(?:\n[ \t]*)+", re.sub(r"\r\n?", "\n", source).replace("\0", "\ufffd"))
    cues = sorted(cue for block in blocks if (cue := _cue(block, until_ms)))
    return "\n\n".join(["WEBVTT", *map(_written, cues)]) + "\n"


def _cue(block: str, until_ms: int) -> _Cue | None:
    """The cue that a block holds: an optional name, a line with the times, and the text."""
    lines = block.strip("\n").split("\n")
    for position, line in enumerate(lines[:2]):
        if timing := _TIMING.fullmatch(line):
            numbers = [int(number or 0) for number in timing.groups()]
            start_ms, end_ms = _milliseconds(*numbers[:4]), min(_milliseconds(*numbers[4:]), until_ms)
            text = _plain_text("\n".join(lines[position + 1 :]))
            return _Cue(start_ms, end_ms, text) if start_ms < end_ms and text else None
    return None


def _plain_text(source: str) -> str:
    """Text with i and b alone, closed in the right order, everything else escaped or dropped."""
    pieces: list[str] = []
    open_tags: list[str] = []
    for piece in _PIECE.findall(source):
        if not piece.startswith("<"):
            pieces.append(html.escape(html.unescape(piece), quote=False))
        elif tag := _KEPT_TAG.fullmatch(piece):
            closing, name = tag.groups()
            if not closing:
                open_tags.append(name)
                pieces.append(f"<{name}>")
            elif open_tags and open_tags[-1] == name:
                pieces.append(f"</{open_tags.pop()}>")
    pieces += [f"</{name}>" for name in reversed(open_tags)]
    lines = (line.strip() for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _written(cue: _Cue) -> str:
    return f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n{cue.text}"


def _milliseconds(hours: int, minutes: int, seconds: int, thousandths: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
