"""What staff hand over for a film: its master, subtitles, further sounds, a trailer; and the name of what they become."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.gateways.encode_picture import LADDER, SEGMENT_S
from store.gateways.encode_sound import KBPS_PER_CHANNEL, TARGET_LUFS
from store.gateways.master import refusal
from store.gateways.webvtt import Subtitle

PACKAGING_VERSION = "2"

Digests = dict[str, list[str | int]]
"""For each path the size and the time of change that a file had, and its SHA-256 then."""


@dataclass(frozen=True)
class SoundFile:
    """A further sound: the name of its track (`en`, `fr-ad`), its file, and which of the file's sounds it is, from 1."""

    name: str
    path: Path
    number: int = 1


@dataclass(frozen=True)
class Delivery:
    """The files of a film. `language` is that of its own sound, where the master does not say it."""

    master: Path
    subtitles: tuple[Subtitle, ...] = ()
    sounds: tuple[SoundFile, ...] = ()
    trailer: Path | None = None
    language: str | None = None
    trailer_subtitles: tuple[Subtitle, ...] = ()

    @property
    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file and what it is for."""
        yield "master", self.master
        yield from ((f"subtitles {one.name}", one.path) for one in sorted(self.subtitles, key=lambda one: one.name))
        yield from (
            (f"sound {one.name} {one.number}", one.path) for one in sorted(self.sounds, key=lambda one: one.name)
        )
        if self.trailer:
            yield "trailer", self.trailer
            texts = sorted(self.trailer_subtitles, key=lambda one: one.name)
            yield from ((f"trailer's subtitles {one.name}", one.path) for one in texts)

    def as_json(self) -> dict[str, Any]:
        """For the database; paths are whole."""
        return {
            "master": str(self.master.resolve()),
            "subtitles": {one.name: str(one.path.resolve()) for one in self.subtitles},
            "sounds": {one.name: [str(one.path.resolve()), one.number] for one in self.sounds},
            "trailer": str(self.trailer.resolve()) if self.trailer else None,
            "trailer_subtitles": {one.name: str(one.path.resolve()) for one in self.trailer_subtitles},
            "language": self.language,
        }


def delivery_of(stored: Mapping[str, Any]) -> Delivery:
    """What `as_json` gave."""
    return Delivery(
        master=Path(stored["master"]),
        subtitles=_read_subtitles(stored["subtitles"]),
        sounds=tuple(SoundFile(name, Path(path), number) for name, (path, number) in stored["sounds"].items()),
        trailer=Path(stored["trailer"]) if stored["trailer"] else None,
        trailer_subtitles=_read_subtitles(stored.get("trailer_subtitles", {})),  # older rows know of none
        language=stored["language"],
    )


def digests_of(delivery: Delivery, known: Digests) -> Digests:
    """The digest of every file, read anew where its size or time of change is not the known one. Raises MasterRefused.

    A master may weigh a hundred gigabytes: a second run must not read it again.
    """
    return {str(path): _digest(path, known.get(str(path), [])) for _, path in delivery.files}


def recipe_of(delivery: Delivery, known: Digests | None = None) -> str:
    """Name of what this delivery becomes by the present way of packaging (20 hexadecimal digits). Raises MasterRefused."""
    digests = digests_of(delivery, known or {})
    settings = (PACKAGING_VERSION, SEGMENT_S, LADDER, KBPS_PER_CHANNEL, TARGET_LUFS, delivery.language)
    recipe = hashlib.sha256(repr(settings).encode())
    for purpose, path in delivery.files:
        recipe.update(f"\0{purpose}\0{digests[str(path)][-1]}".encode())
    return recipe.hexdigest()[:20]


def _read_subtitles(stored: Mapping[str, str]) -> tuple[Subtitle, ...]:
    return tuple(Subtitle(name, Path(path)) for name, path in stored.items())


def _digest(path: Path, known: list[str | int]) -> list[str | int]:
    try:
        status = path.stat()
        stamp: list[str | int] = [status.st_size, status.st_mtime_ns]
        if known[:2] == stamp:
            return known
        with path.open("rb") as file:
            return [*stamp, hashlib.file_digest(file, "sha256").hexdigest()]
    except OSError as error:
        raise refusal(path, error.strerror or "unreadable") from None
