"""Making a backup while the shop is open."""

import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from flask import current_app

from config import ROOT
from store import clock
from store.backups.archive import Writer
from store.backups.films import InAFolder, InTheFile, InTheirBucket, Keeper, keep_all
from store.backups.manifest import Manifest, Version
from store.backups.snapshot import snapshot_in
from store.gateways.media_store import media_store
from store.gateways.on_disk import sync

DATABASE = "database"


def back_up(file: Path, films_folder: Path | None, tell: Callable[[str], None]) -> Manifest:
    """Write everything to a new file; films into `films_folder` if it is given, into the file else, and not at all from a bucket.

    Films are looked at before and after the database: a version that it knows is there, unless it was deleted meanwhile.
    Raises CopyFailed, OutOfReach or OSError, and leaves no half of a file.
    """
    kept: dict[str, Version] = {}
    with _arriving(file) as unfinished:
        archive = Writer(unfinished)
        keeper = _keeper(archive, films_folder)
        keep_all(media_store(), keeper, kept)
        tell(f"{len(kept)} versions of films")
        with snapshot_in(file.parent) as snapshot:
            made_at = clock.now()
            tell(f"database: {snapshot.path.stat().st_size / 1e6:.1f} MB")
            digest = archive.add(DATABASE, snapshot.path)
        keep_all(media_store(), keeper, kept)
        manifest = Manifest(
            release=release(),
            made_at=made_at.isoformat(),
            engine=snapshot.engine,
            migration=snapshot.migration,
            database=digest,
            ledger=snapshot.ledger.digest,
            journals=snapshot.ledger.journals,
            last_journal_id=snapshot.ledger.last_journal_id,
            films_in=keeper.films_in,
            films=[kept[name] for name in sorted(kept)],
        )
        archive.finish(manifest)
    return manifest


def release() -> str:
    """The number of this release."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _keeper(archive: Writer, films_folder: Path | None) -> Keeper:
    if current_app.config["MEDIA_BUCKET"]:
        return InTheirBucket()
    return InAFolder(films_folder) if films_folder else InTheFile(archive)


@contextmanager
def _arriving(file: Path) -> Iterator[BinaryIO]:
    """A file that has its name once it is whole and on the disk; nobody else may read it."""
    unfinished = file.with_name(f".{file.name}.part")
    try:
        with open(unfinished, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
            yield opened
        sync(unfinished)
        unfinished.rename(file)
        sync(file.parent)
    finally:
        unfinished.unlink(missing_ok=True)
