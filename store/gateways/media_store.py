"""Where packaged films lie: a folder of this machine, or a bucket. `docs/edge.md` says how each is served."""

import os
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol

from flask import current_app

from store.gateways.bucket_store import Bucket, BucketStore, OutOfReach
from store.gateways.folder_store import FolderStore
from store.gateways.media_names import NotThere
from store.gateways.workshop import Busy

__all__ = ["Busy", "FolderStore", "MediaStore", "NotThere", "OutOfReach", "media_store"]


class MediaStore(Protocol):
    """Versions of films, each named by its recipe: whole or not there, and never changed.

    Names of films, recipes and files that cannot be such raise NotThere everywhere.
    """

    def answers(self) -> bool:
        """Whether films can be read here now, within two seconds."""

    def has(self, film: str, recipe: str) -> bool:
        """Whether this version of the film is published."""

    def open(self, film: str, recipe: str, name: str) -> BinaryIO:
        """A published file, which can be read from any place. Raises NotThere."""

    def local_copy(self, film: str, recipe: str) -> AbstractContextManager[Path]:
        """A published version as a folder of this machine, to look at and not to change. Raises NotThere."""

    def publish(self, folder: Path, film: str, recipe: str) -> None:
        """Take a finished folder in, and away from where it was; a version that is there already stays as it is."""

    def publish_copy(self, folder: Path, film: str, recipe: str) -> None:
        """Publish a copy of a folder that must stay where it is."""

    def versions(self, film: str) -> list[str]:
        """The recipes of the film's versions, sorted."""

    def films(self) -> list[str]:
        """The films of which there are versions, sorted."""

    def files(self, film: str, recipe: str) -> dict[str, int]:
        """The names of a published version's files, sorted, with their sizes in bytes. Raises NotThere."""

    def delete(self, film: str, recipe: str) -> None:
        """Take a version away; one that is not there is none."""

    def workshop(self, film: str) -> AbstractContextManager[Path]:
        """An empty folder to make a film's next version in, for one process of this machine at a time. Raises Busy."""

    def alone(self, film: str) -> AbstractContextManager[Path]:
        """The same folder with what was left in it, for a work that goes on where it was interrupted. Raises Busy."""


def media_store() -> MediaStore:
    """The store that MEDIA_URL names."""
    bucket = current_app.config["MEDIA_BUCKET"]
    if bucket is None:
        return FolderStore(Path(current_app.config["MEDIA_URL"]))
    return _bucket_store(Bucket(**bucket), Path(current_app.config["INSTANCE_PATH"]) / "packaging", os.getpid())


@cache
def _bucket_store(bucket: Bucket, workshops: Path, _process: int) -> BucketStore:
    """One for each process, which keeps its connections: a fork must not speak on its parent's."""
    return BucketStore(bucket, workshops)
