"""Where packaged films lie. A folder today; a bucket's class will have the same verbs.

`<root>/<film>/<recipe>/…` is published and never changes; in `<root>/.packaging/<film>/` the next version is made.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import current_app

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RECIPE = re.compile(r"[0-9a-f]{16,64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LONGEST_NAME = 200


class NotThere(LookupError):
    """The store holds no such file, or the address leads out of the film's folder."""


class Busy(Exception):
    """Another process of this machine is packaging the film."""


class FolderStore:
    """Films in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def has(self, film: str, recipe: str) -> bool:
        """Whether this version of the film is published."""
        return self._folder(film, recipe).is_dir()

    def folder_of(self, film: str, recipe: str) -> Path:
        """The folder of a published version. Raises NotThere."""
        if not self.has(film, recipe):
            raise NotThere(f"{film}/{recipe}")
        return self._folder(film, recipe)

    def path_of(self, film: str, recipe: str, relative: str) -> Path:
        """A published file; raises NotThere for anything else, also for what lies elsewhere or behind a link."""
        if len(relative) > _LONGEST_NAME or not all(_NAME.fullmatch(part) for part in relative.split("/")):
            raise NotThere(f"{film}/{recipe}: {relative[:_LONGEST_NAME]!r}")
        path = self._folder(film, recipe) / relative
        if not path.is_file() or path.resolve() != path:
            raise NotThere(f"{film}/{recipe}: {relative[:_LONGEST_NAME]!r}")
        return path

    def publish(self, folder: Path, film: str, recipe: str) -> None:
        """Move a finished folder to where it is served, all at once; a version that is there already stays as it is."""
        target = self._folder(film, recipe)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_out(folder)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            shutil.rmtree(folder)
        _sync(target.parent)

    def publish_copy(self, folder: Path, film: str, recipe: str) -> None:
        """Publish a copy of a folder that must stay where it is."""
        if self.has(film, recipe):
            return
        with self.workshop(film) as workshop:
            self.publish(shutil.copytree(folder, workshop / recipe), film, recipe)

    @contextmanager
    def workshop(self, film: str) -> Iterator[Path]:
        """An empty folder on the store's own disk to make a film's next version in, for one process at a time.

        What an earlier one left there when it was killed is thrown away, as is everything at the end. Raises Busy.
        """
        folder = self._root / ".packaging" / _checked(_SLUG, film)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _empty(folder)
            try:
                yield folder
            finally:
                _empty(folder)

    def _folder(self, film: str, recipe: str) -> Path:
        return self._root / _checked(_SLUG, film) / _checked(_RECIPE, recipe)


def media_store() -> FolderStore:
    """The store that MEDIA_URL names."""
    return FolderStore(Path(current_app.config["MEDIA_URL"]))


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if len(text) > _LONGEST_NAME or not pattern.fullmatch(text):
        raise NotThere(repr(text[:_LONGEST_NAME]))
    return text


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder; the system lets go of it when the process ends, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder.name)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, film: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy(f"{film} is being packaged already") from None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write_out(folder: Path) -> None:
    """Have everything on the disk before its name is: a power cut must not leave a published film with holes."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
