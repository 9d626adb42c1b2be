"""Looking at delivered films and sounds, without decoding them.

They are foreign files: the demuxer is forced by what the first bytes say, no other file and no network is opened, and
whatever cannot be encoded right is refused in one line.
"""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from store.gateways.foreign_program import ProgramFailed, start
from store.gateways.video_tools import MasterRefused, input_of, tool

FRAME_RATES = tuple(map(Fraction, ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")))
SHORTEST_S, LONGEST_S = 1.0, 12 * 3600.0
SMALLEST_SIDE, MOST_PIXELS = 64, 8192 * 4320
PROBE_LONGEST_S = 300
LONGEST_ANSWER = 64 * 1024**2
TAIL_S = 5.0
HD_LINES, PAL_LINES = 720, 576

MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"
STILLS = {"mjpeg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "tiff": "TIFF", "webp": "WebP"}
"""Codecs of pictures that do not move; a film may be coded in the first, but not as one single picture."""

LEFT_ALONE, RIGHT_ALONE = "1 channels (FL)", "1 channels (FR)"
"""Layouts of sounds that are one side of another, as ffprobe names them."""

HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
"""Their brightness has no place in what players without HDR show, and the tools bring no tone mapping for it."""


@dataclass(frozen=True)
class Sound:
    """One sound of a delivered file. It is encoded with `channels`; `language` is empty when the file does not say.

    `right_stream` is where its right channel comes in a stream of its own, as from cutting rooms.
    """

    path: Path
    demuxer: str
    stream: int
    right_stream: int | None
    channels: int
    language: str
    duration_s: float


@dataclass(frozen=True)
class Colours:
    """What the numbers of the pictures mean, in ffmpeg's words; whether the file says so, or it is only usual."""

    space: str
    primaries: str
    transfer: str
    is_said: bool


@dataclass(frozen=True)
class Probe:
    """What a usable master holds. Sizes are those of the picture as it is seen, `fps` is the rate to encode it at."""

    path: Path
    demuxer: str
    duration_s: float
    width: int
    height: int
    fps: Fraction
    picture_stream: int
    interlaced: bool
    colours: Colours
    sound: Sound | None

    @property
    def frames(self) -> int:
        """How many pictures its renditions hold."""
        return max(1, round(self.duration_s * self.fps))


def probe(master: Path) -> Probe:
    """Look at a film. Raises MasterRefused."""
    demuxer = _demuxer(master)
    described = _ask(master, demuxer, "-show_format", "-show_streams")
    streams = described.get("streams", [])
    pictures = [one for one in streams if one.get("codec_type") == "video" and not one["disposition"]["attached_pic"]]
    if not pictures:
        raise refusal(master, "it holds no moving picture")
    picture = pictures[0]
    _refuse_high_dynamic_range(master, picture)
    width, height = _seen_size(master, picture)
    duration_s = _duration_s(master, demuxer, described.get("format", {}), picture)
    sounds = _sounds(master, demuxer, streams, duration_s)
    return Probe(
        path=master,
        demuxer=demuxer,
        duration_s=duration_s,
        width=width,
        height=height,
        fps=_nearest_rate(picture),
        picture_stream=picture["index"],
        interlaced=picture.get("field_order", "progressive") in ("tt", "bb", "tb", "bt"),
        colours=_colours(picture),
        sound=sounds[0] if sounds else None,
    )


def probe_sound(file: Path, number: int = 1) -> Sound:
    """Look at a file's sound of this number, from 1. Raises MasterRefused."""
    demuxer = _demuxer(file, sound=True)
    described = _ask(file, demuxer, "-show_format", "-show_streams")
    sounds = _sounds(file, demuxer, described.get("streams", []), float(described["format"].get("duration", 0)))
    if not 0 < number <= len(sounds):
        raise refusal(file, f"it holds {len(sounds)} sounds, not {number}" if sounds else "it holds no sound")
    return sounds[number - 1]


def refusal(file: Path, reason: str) -> MasterRefused:
    """The exception that says so in one line."""
    return MasterRefused(f"{file.name}: {reason}")


def _demuxer(file: Path, *, sound: bool = False) -> str:
    """The one demuxer that the file's first bytes call for."""
    try:
        with file.open("rb") as opened:
            head = opened.read(12)
    except OSError as error:
        raise refusal(file, error.strerror or "unreadable") from None
    if head[4:8] in MP4_BOXES:
        return "mov"
    if head[:4] == MATROSKA_MAGIC:
        return "matroska"
    if sound and head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return "wav"
    if sound and head[:4] == b"fLaC":
        return "flac"
    raise refusal(file, "neither MP4, MOV, Matroska, WAV nor FLAC" if sound else "neither MP4, MOV nor Matroska")


def _ask(file: Path, demuxer: str, *questions: str) -> dict[str, Any]:
    """What ffprobe answers."""
    command = [tool("ffprobe"), "-v", "error", *input_of(file, demuxer), *questions, "-of", "json=compact=1"]
    try:
        with start(command, file.parent, PROBE_LONGEST_S, LONGEST_ANSWER) as program:
            answer = program.lines.read(LONGEST_ANSWER)
            if program.lines.read(1):
                raise refusal(file, "its index is too large")
            program.check()
    except ProgramFailed as failure:
        raise refusal(file, f"unreadable or truncated ({without_path(str(failure), file)})") from None
    return json.loads(answer)


def without_path(text: str, file: Path) -> str:
    """The text with the file's name in the place of its whole path."""
    return text.replace(f"file:{file.resolve()}", file.name)


def _sounds(file: Path, demuxer: str, streams: list[dict[str, Any]], duration_s: float) -> list[Sound]:
    sounds = [one for one in streams if one.get("codec_type") == "audio" and one.get("channels")]
    sides = [one.get("channel_layout") for one in sounds]
    in_two = sides == [LEFT_ALONE, RIGHT_ALONE]
    if LEFT_ALONE in sides and not in_two:
        raise refusal(file, f"its sound comes in {len(sides)} streams; deliver it in one, or left and right in two")
    return [
        Sound(
            path=file,
            demuxer=demuxer,
            stream=one["index"],
            right_stream=sounds[1]["index"] if in_two else None,
            channels=2 if in_two else min(2, one["channels"]),
            language=_two_letters(one.get("tags", {}).get("language", "")),
            duration_s=duration_s,
        )
        for one in (sounds[:1] if in_two else sounds)
    ]


def _two_letters(language: str) -> str:
    """`fra` and `fre` are `fr`; what is not one of the usual ones stays unsaid."""
    return THREE_LETTERS.get(language, language if language in THREE_LETTERS.values() else "")


THREE_LETTERS = {
    **{"fra": "fr", "fre": "fr", "eng": "en", "deu": "de", "ger": "de", "spa": "es"},
    **{"ita": "it", "por": "pt", "ara": "ar"},
}
"""ISO 639-2, as MP4 and Matroska name languages, both forms where there are two."""


def _duration_s(master: Path, demuxer: str, container: dict[str, Any], picture: dict[str, Any]) -> float:
    """How long the picture really lasts: up to the end of its last frame, which must be near the announced end."""
    begins_s = float(container.get("start_time", 0))
    announced_s = _announced_s(container, picture)
    tail = f"{max(0.0, begins_s + announced_s - TAIL_S)}%"
    entries = "packet=stream_index,pts_time,duration_time"
    packets = _ask(master, demuxer, "-read_intervals", tail, "-show_entries", entries).get("packets", [])
    frames = [one for one in packets if one["stream_index"] == picture["index"] and "pts_time" in one]
    if len(frames) < 2 and picture.get("codec_name") in STILLS:
        raise refusal(master, f"a {STILLS[picture['codec_name']]} picture, not a film")
    ends = [float(frame["pts_time"]) + float(frame.get("duration_time", 0)) - begins_s for frame in frames]
    duration_s = max(ends, default=0.0)
    if duration_s < announced_s - TAIL_S / 2:
        raise refusal(master, f"truncated: it announces {announced_s:.0f} s of picture and breaks off before")
    if not SHORTEST_S <= duration_s <= LONGEST_S:
        raise refusal(master, f"{duration_s:.1f} s long, not from {SHORTEST_S:.0f} s to {LONGEST_S / 3600:.0f} h")
    return duration_s


def _announced_s(container: dict[str, Any], picture: dict[str, Any]) -> float:
    """The picture's length by its header; 0 when it does not say."""
    if "duration" in picture:
        return float(picture["duration"])
    if tag := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", picture.get("tags", {}).get("DURATION", "")):
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return float(container.get("duration", 0))


def _seen_size(master: Path, picture: dict[str, Any]) -> tuple[int, int]:
    """Width and height on the screen: square pixels, turned as the file says, even."""
    coded_width, height = int(picture.get("width", 0)), int(picture.get("height", 0))
    across, _, down = picture.get("sample_aspect_ratio", "1:1").partition(":")
    width = even(coded_width * int(across) / int(down)) if int(across) and int(down) else coded_width
    if min(width, height) < SMALLEST_SIDE or max(width, coded_width) * height > MOST_PIXELS:
        raise refusal(master, f"a picture of {width} × {height} pixels cannot be used")
    turns = [int(side.get("rotation", 0)) for side in picture.get("side_data_list", [])]
    turned = any(turn % 180 for turn in turns)
    return (even(height), even(width)) if turned else (even(width), even(height))


def even(length: float) -> int:
    """The nearest even number: H.264's pictures have no other sizes."""
    return max(2, round(length / 2) * 2)


def _nearest_rate(picture: dict[str, Any]) -> Fraction:
    """A constant rate for pictures that come at any: the nearest, or the nearest to twice as many for slow ones."""
    pictures, _, seconds = picture.get("avg_frame_rate", "25/1").partition("/")
    average = Fraction(int(pictures), int(seconds)) if int(pictures) and int(seconds) else Fraction(25)
    return min(FRAME_RATES, key=lambda rate: (min(abs(average - rate), abs(2 * average - rate)) / rate, rate))


def _refuse_high_dynamic_range(master: Path, picture: dict[str, Any]) -> None:
    kind = HDR_TRANSFERS.get(picture.get("color_transfer", ""), "")
    if any("dv_profile" in side for side in picture.get("side_data_list", [])):
        kind = "Dolby Vision"
    if kind:
        raise refusal(master, f"its picture is HDR ({kind}); deliver the version in SDR (BT.709)")


def _colours(picture: dict[str, Any]) -> Colours:
    """What the file says; else what is usual for its size, so that all renditions say the same."""
    lines = int(picture["height"])
    usual = "bt709" if lines >= HD_LINES else "bt470bg" if lines == PAL_LINES else "smpte170m"
    space, primaries, transfer = (
        picture.get(key, "unknown") for key in ("color_space", "color_primaries", "color_transfer")
    )
    return Colours(
        space=usual if space in ("unknown", "reserved", "gbr") else space,
        primaries=usual if primaries in ("unknown", "reserved") else primaries,
        transfer="bt709" if transfer in ("unknown", "reserved") else transfer,
        is_said=space not in ("unknown", "reserved"),
    )
