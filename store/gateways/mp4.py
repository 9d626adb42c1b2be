"""A film as one file to take home: the best rendition of a package, its sounds and its subtitles, in an MP4.

Nothing is encoded anew: ffmpeg copies what the package holds. The index stands in front (faststart), and in it a comment of
fixed length, MARK, in whose place `MarkedFile` writes the buyer's own while the file is sent.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from store.gateways.foreign_program import start
from store.gateways.video_tools import tool

MP4_VERSION = "1"
MARK = b"@" * 160
NAME = "film.mp4"

LANGUAGES = {"fr": "fra", "en": "eng", "de": "deu", "es": "spa", "it": "ita", "pt": "por", "ar": "ara"}
"""MP4 names languages by three letters (ISO 639-2/T); another one is left unnamed."""

SLOWEST_BYTES_PER_S = 4 * 1024**2
LARGEST_INDEX_BYTES = 64 * 1024**2


class NoMark(Exception):
    """The file that was made has no place for the buyer's comment; the message is one line."""


@dataclass(frozen=True)
class Track:
    """A sound or subtitles of a package: `kind` is `a` or `s` as ffmpeg has it, `disposition` one of its words or 0."""

    kind: str
    source: list[str]
    language: str
    name: str
    disposition: str


def make_mp4(package: Path, target: Path, title: str, year: int) -> int:
    """Make the file from a published folder; returns the place of MARK in it, in bytes.

    Raises `foreign_program.ProgramFailed` and NoMark.
    """
    weight_bytes = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    command = [tool("ffmpeg"), "-nostdin", "-v", "error", *_arguments(package, title, year), f"file:{target}"]
    with start(command, target.parent, 600 + weight_bytes / SLOWEST_BYTES_PER_S, weight_bytes * 2) as program:
        program.check()
    return place_of_mark(target)


def place_of_mark(path: Path) -> int:
    """Where MARK begins, in bytes. Raises NoMark unless it stands exactly once in an index before all pictures."""
    with path.open("rb") as file:
        begins, size = _index(file)
        file.seek(begins)
        index = file.read(size)
    if index.count(MARK) != 1:
        raise NoMark(f"{path.name} holds the mark {index.count(MARK)} times")
    return begins + index.index(MARK)


def mark_of(text: str) -> bytes:
    """What is written in the place of MARK: ASCII, as long, blanks at its end."""
    return text.encode("ascii", "replace")[: len(MARK)].ljust(len(MARK))


class MarkedFile(io.RawIOBase):
    """A file in which some bytes at a place are read as others; the rest is the file's own, from any place on."""

    def __init__(self, file: BinaryIO, mark: bytes, mark_at: int) -> None:
        self._file, self._mark, self._mark_at = file, mark, mark_at

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a buffer of any kind there
        """As of any file, with the mark where it belongs."""
        begins = self._file.tell()
        piece = bytearray(self._file.read(len(buffer)))
        first = max(self._mark_at, begins)
        last = min(self._mark_at + len(self._mark), begins + len(piece))
        if first < last:
            piece[first - begins : last - begins] = self._mark[first - self._mark_at : last - self._mark_at]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()


def _arguments(package: Path, title: str, year: int) -> list[str]:
    tracks = list(_tracks(package))
    inputs = _playlist(package / _best_rendition(package) / "index.m3u8")
    outputs = ["-map", "0:v:0"]
    counts = {"a": 0, "s": 0}
    for number, track in enumerate(tracks, start=1):
        inputs += track.source
        outputs += ["-map", f"{number}:{track.kind}:0"]
        stream = f"{track.kind}:{counts[track.kind]}"
        outputs += [f"-metadata:s:{stream}", f"language={track.language}", f"-disposition:{stream}", track.disposition]
        outputs += [f"-metadata:s:{stream}", f"handler_name={track.name}"]
        counts[track.kind] += 1
    outputs += ["-c", "copy", "-c:s", "mov_text", "-map_metadata", "-1", "-movflags", "+faststart"]
    for name, value in (("title", title), ("date", str(year)), ("comment", MARK.decode())):
        outputs += ["-metadata", f"{name}={value}"]
    return [*inputs, *outputs, "-f", "mp4"]


def _best_rendition(package: Path) -> str:
    return max((path.name for path in package.glob("video-*/")), key=lambda name: int(name.removeprefix("video-")))


def _tracks(package: Path) -> Iterator[Track]:
    """The package's sounds, its own first, then its subtitles, as the first playlist names them."""
    lines = (package / "index.m3u8").read_text(encoding="utf-8").splitlines()
    media = [
        dict(re.findall(r'([A-Z-]+)="([^"]*)"', line)) | {"kind": line} for line in lines if "#EXT-X-MEDIA:" in line
    ]
    sounds = [entry for entry in media if "TYPE=AUDIO" in entry["kind"]]
    for entry in sorted(sounds, key=lambda entry: entry["URI"] != "audio/index.m3u8"):
        own = entry["URI"] == "audio/index.m3u8"
        described = "visual_impaired" if "describes-video" in entry.get("CHARACTERISTICS", "") else "0"
        yield _track("a", entry, _playlist(package / entry["URI"]), "default" if own else described)
    for entry in media:
        if "TYPE=SUBTITLES" in entry["kind"]:
            text = package / "subtitles" / f"{Path(entry['URI']).parent.name.removeprefix('subtitles-')}.vtt"
            for_the_deaf = "transcribes-spoken-dialog" in entry.get("CHARACTERISTICS", "")
            yield _track("s", entry, _input("webvtt", text), "hearing_impaired" if for_the_deaf else "0")


def _track(kind: str, entry: dict[str, str], source: list[str], disposition: str) -> Track:
    language = LANGUAGES.get(entry.get("LANGUAGE", "").partition("-")[0], "und")
    return Track(kind, source, language, entry["NAME"], disposition)


def _playlist(path: Path) -> list[str]:
    return ["-allowed_extensions", "ALL", *_input("hls", path)]


def _input(demuxer: str, path: Path) -> list[str]:
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{path}"]


def _index(file: BinaryIO) -> tuple[int, int]:
    """Where the box `moov` begins and how long it is; it must come before `mdat` (ISO/IEC 14496-12, 4.2)."""
    while True:
        begins = file.tell()
        head = file.read(8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"moov" and 8 < size <= LARGEST_INDEX_BYTES:
            return begins, size
        if kind in (b"moov", b"mdat", b"") or size < 8:
            raise NoMark("its index does not stand in front")
        file.seek(begins + size)
