"""Pictures of an encoded film that do not move: small ones for whoever seeks, and one large one to show it by."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from store.gateways.master import even
from store.gateways.video_tools import ffmpeg

BOX = (160, 90)
COLUMNS, ROWS = 5, 5
POSTER_AT = 0.2
"""Of the film's length: behind its titles, before its story is told."""

POSTER_CHOICE = 8
"""Of so many keyframes, the one most like all of them."""

MOMENT_S = 0.001
"""Less than a picture lasts, more than a time is rounded by."""


@dataclass(frozen=True)
class Keyframes:
    """Where a film's keyframes are: one every `group` of its `frames`."""

    frames: int
    group: int
    fps: Fraction

    @property
    def times_s(self) -> list[Fraction]:
        """When each is shown, and the end of the film."""
        return [number / self.fps for number in range(0, self.frames, self.group)] + [self.frames / self.fps]


def draw_sprites(video: Path, size: tuple[int, int], keyframes: Keyframes, target: Path) -> None:
    """Draw every keyframe of `video`, whose size that is, small, on sheets in `target`, with `index.vtt` beside them.

    Raises PackagingFailed.
    """
    target.mkdir()
    width, height = _fitting(size)
    sheet = f"scale={width}:{height}:flags=area,tile={COLUMNS}x{ROWS}"
    source = ("-skip_frame", "nokey", "-i", str(video), "-an", "-vf", sheet)
    drawn = ("-fps_mode", "passthrough", "-pix_fmt", "yuvj420p", "-q:v", "4", "%05d.jpg")
    ffmpeg(*source, *drawn, folder=target, longest_s=600 + float(keyframes.times_s[-1]))
    cues = _cues(keyframes.times_s, width, height)
    (target / "index.vtt").write_text("\n\n".join(["WEBVTT", *cues]) + "\n", encoding="utf-8")


def draw_poster(video: Path, keyframes: Keyframes, target: Path) -> None:
    """Draw one picture of `video`, in its size, to `target`. Raises PackagingFailed."""
    at_s = float(keyframes.times_s[int(POSTER_AT * (len(keyframes.times_s) - 1))])
    source = ("-ss", f"{max(0.0, at_s - MOMENT_S):.3f}", "-skip_frame", "nokey", "-i", str(video), "-an")
    drawn = ("-vf", f"thumbnail={POSTER_CHOICE}", "-frames:v", "1", "-pix_fmt", "yuvj420p", "-q:v", "3", str(target))
    ffmpeg(*source, *drawn, folder=target.parent, longest_s=600)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(BOX[0] / size[0], BOX[1] / size[1])
    return even(size[0] * scale), even(size[1] * scale)


def _cues(times_s: list[Fraction], width: int, height: int) -> Iterator[str]:
    for number, (begins_s, ends_s) in enumerate(pairwise(times_s)):
        sheet, place = divmod(number, COLUMNS * ROWS)
        row, column = divmod(place, COLUMNS)
        where = f"{column * width},{row * height},{width},{height}"
        yield f"{_clock(begins_s)} --> {_clock(ends_s)}\n{sheet + 1:05}.jpg#xywh={where}"


def _clock(at_s: Fraction) -> str:
    seconds, milliseconds = divmod(round(at_s * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{milliseconds:03}"
