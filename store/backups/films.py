"""Films into a backup and out of it. A version of a film never changes: it is kept once, and a name for it is enough.

In a folder beside the backups each version is `<film>/<recipe>/`, hard links where that is the same disk, and beside it
`<recipe>.sha256`, as `sha256sum --check` reads it.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from store.backups.archive import Reader, Writer, digest_of
from store.backups.manifest import NotABackup, Version
from store.gateways.media_store import MediaStore, NotThere

INSIDE = "films"


class Keeper(Protocol):
    """Where a backup puts films."""

    films_in: str

    def keep(self, store: MediaStore, film: str, recipe: str) -> Version:
        """Take a version. Raises NotThere if it is gone meanwhile."""

    def give_back(self, version: Version, folder: Path) -> None:
        """Lay a version out in a folder. Raises NotABackup."""


def keep_all(store: MediaStore, keeper: Keeper, kept: dict[str, Version]) -> None:
    """Take every version that is published and not in `kept` yet, by its name."""
    for film in store.films():
        for recipe in store.versions(film):
            if f"{film}/{recipe}" not in kept:
                try:
                    kept[f"{film}/{recipe}"] = keeper.keep(store, film, recipe)
                except NotThere:  # taken away since it was listed, or never whole
                    continue


def give_back_all(store: MediaStore, keeper: Keeper, films: list[Version]) -> Iterator[Version]:
    """Publish what is not there; gives each version that came back."""
    for version in films:
        if store.has(version.film, version.recipe):
            continue
        with store.workshop(version.film) as made:
            keeper.give_back(version, made / version.recipe)
            store.publish(made / version.recipe, version.film, version.recipe)
        yield version


class InTheFile:
    """Keeps films within the backup."""

    films_in = "file"

    def __init__(self, archive: Writer | Reader) -> None:
        self._archive = archive

    def keep(self, store: MediaStore, film: str, recipe: str) -> Version:
        """Copy the files in."""
        assert isinstance(self._archive, Writer)  # noqa: S101  # for the types: who makes a backup gave one
        with store.local_copy(film, recipe) as folder:
            names = store.files(film, recipe)
            return Version(
                film, recipe, {name: self._archive.add(_inside(film, recipe, name), folder / name) for name in names}
            )

    def give_back(self, version: Version, folder: Path) -> None:
        """Copy them out."""
        assert isinstance(self._archive, Reader)  # noqa: S101  # for the types: who restores one gave one
        for name, digest in version.files.items():
            self._archive.extract(_inside(version.film, version.recipe, name), folder / name, str(digest))


class InAFolder:
    """Keeps films in a folder that many backups share."""

    films_in = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, store: MediaStore, film: str, recipe: str) -> Version:
        """Link the files, unless an earlier backup did."""
        version = self._folder / film / recipe
        sums = version.with_name(f"{recipe}.sha256")
        if not sums.exists():
            with store.local_copy(film, recipe) as folder:
                _lay_out(folder, version, list(store.files(film, recipe)))
            _write_sums(sums, {name: digest_of(version / name) for name in store.files(film, recipe)})
        return Version(film, recipe, _read_sums(sums))

    def give_back(self, version: Version, folder: Path) -> None:
        """Link or copy them back, and see that they are what they were."""
        kept = self._folder / version.film / version.recipe
        for name, digest in version.files.items():
            if not (kept / name).is_file() or digest_of(kept / name) != digest:
                raise NotABackup(f"{kept / name} is missing or damaged")
        _lay_out(kept, folder, list(version.files))


class InTheirBucket:
    """Leaves films where they are, and lists them."""

    films_in = "bucket"

    def keep(self, store: MediaStore, film: str, recipe: str) -> Version:
        """Note the files and their sizes."""
        return Version(film, recipe, {**store.files(film, recipe)})

    def give_back(self, version: Version, folder: Path) -> None:
        """There is nothing to give back."""
        raise NotABackup(f"{version.name} is not in the bucket, which this backup only lists")


def _inside(film: str, recipe: str, name: str) -> str:
    return f"{INSIDE}/{film}/{recipe}/{name}"


def _lay_out(source: Path, target: Path, names: list[str]) -> None:
    """The files under their names in a new folder, all or none."""
    unfinished = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    for name in names:
        (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        _link(source / name, unfinished / name)
    if target.exists():  # what a killed run left: its sums were never written
        shutil.rmtree(target)
    unfinished.rename(target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)


def _write_sums(path: Path, digests: dict[str, str]) -> None:
    unfinished = path.with_name(f".{path.name}")
    lines = (f"{digest}  {path.stem}/{name}\n" for name, digest in digests.items())
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.rename(path)


def _read_sums(path: Path) -> dict[str, str | int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("  ", 1) for line in lines)
    return {name.removeprefix(f"{path.stem}/"): digest for digest, name in pairs}
