"""What a backup says of itself."""

import json
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1


class NotABackup(Exception):
    """The file is none of ours, or it is damaged; the message says where."""


@dataclass(frozen=True)
class Version:
    """A version of a film: its files, each with its SHA-256, or, where films stay in their bucket, with its size in bytes."""

    film: str
    recipe: str
    files: dict[str, str | int]

    @property
    def name(self) -> str:
        """`<film>/<recipe>`."""
        return f"{self.film}/{self.recipe}"


@dataclass(frozen=True)
class Manifest:
    """The release that made it and when (ISO, UTC); the database's engine, migration and SHA-256; the ledger at that moment.

    `films_in` says where the films are: in the `file` itself, in a `folder` beside, or in their `bucket`.
    """

    release: str
    made_at: str
    engine: str
    migration: str
    database: str
    ledger: str
    journals: int
    last_journal_id: int
    films_in: str
    films: list[Version]
    format: int = FORMAT

    def as_json(self) -> bytes:
        """As it is written."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()


def read(text: bytes) -> Manifest:
    """The other way. Raises NotABackup."""
    try:
        said: dict[str, Any] = json.loads(text)
        if said["format"] != FORMAT:
            raise NotABackup(f"its format is {said['format']!r}; this release reads {FORMAT}")
        films = [Version(**version) for version in said.pop("films")]
        return Manifest(**said, films=films)
    except (ValueError, KeyError, TypeError) as error:
        raise NotABackup(f"its manifest cannot be read: {error!r}") from None
