"""Films in a folder of this machine.

`<root>/<film>/<recipe>/…` is published and never changes; in `<root>/.packaging/<film>/` the next version is made.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from store.gateways.media_names import NotThere, file_name, film_name, version_name
from store.gateways.on_disk import sync, write_out
from store.gateways.workshop import alone, workshop


class FolderStore:
    """A media store (`media_store.MediaStore`) whose versions come and go by one rename."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def answers(self) -> bool:
        """Whether the folder can be read; before the first film it may still have to be made."""
        return os.access(self._root if self._root.exists() else self._root.parent, os.R_OK | os.X_OK)

    def has(self, film: str, recipe: str) -> bool:
        """Whether this version of the film is published."""
        return self._folder(film, recipe).is_dir()

    def open(self, film: str, recipe: str, name: str) -> BinaryIO:
        """A published file; raises NotThere for anything else, also for what lies elsewhere or behind a link."""
        path = self._root / file_name(film, recipe, name)
        if not path.is_file() or path.resolve() != path:
            raise NotThere(str(path.relative_to(self._root)))
        return path.open("rb")

    @contextmanager
    def local_copy(self, film: str, recipe: str) -> Iterator[Path]:
        """The published folder itself. Raises NotThere."""
        if not self.has(film, recipe):
            raise NotThere(f"{film}/{recipe}")
        yield self._folder(film, recipe)

    def publish(self, folder: Path, film: str, recipe: str) -> None:
        """Move a finished folder to where it is served, all at once; a version that is there already stays as it is."""
        target = self._folder(film, recipe)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_out(folder)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            shutil.rmtree(folder)
        sync(target.parent)

    def publish_copy(self, folder: Path, film: str, recipe: str) -> None:
        """Publish a copy of a folder that must stay where it is."""
        if self.has(film, recipe):
            return
        with self.workshop(film) as made:
            self.publish(shutil.copytree(folder, made / recipe), film, recipe)

    def versions(self, film: str) -> list[str]:
        """The recipes of the film's versions."""
        folder = self._root / film_name(film)
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def films(self) -> list[str]:
        """The films of which there are versions."""
        folders = self._root.iterdir() if self._root.is_dir() else ()
        return sorted(path.name for path in folders if path.is_dir() and not path.name.startswith("."))

    def files(self, film: str, recipe: str) -> dict[str, int]:
        """The names of a published version's files, with their sizes in bytes. Raises NotThere."""
        with self.local_copy(film, recipe) as folder:
            found = sorted(path for path in folder.rglob("*") if path.is_file())
            return {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}

    def delete(self, film: str, recipe: str) -> None:
        """Take a version away, all at once; one that is not there is none."""
        rubbish = self._root / ".deleted"
        rubbish.mkdir(parents=True, exist_ok=True)
        if self.has(film, recipe):
            self._folder(film, recipe).rename(rubbish / f"{film}-{recipe}")
        shutil.rmtree(rubbish)  # with what an earlier run left when it was killed

    def workshop(self, film: str) -> AbstractContextManager[Path]:
        """An empty folder on the store's own disk to make a film's next version in, for one process at a time: Busy."""
        return workshop(self._root / ".packaging" / film_name(film))

    def alone(self, film: str) -> AbstractContextManager[Path]:
        """The same folder with what was left in it, for a work that goes on: Busy."""
        return alone(self._root / ".packaging" / film_name(film))

    def _folder(self, film: str, recipe: str) -> Path:
        return self._root / version_name(film, recipe)
