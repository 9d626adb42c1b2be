"""The file: a tar of what is kept, its manifest last, so that `tar` alone is enough to look into it."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import IO, BinaryIO

from store.backups.manifest import Manifest, NotABackup, read

MANIFEST = "manifest.json"
PIECE_BYTES = 1024 * 1024


class Writer:
    """Writes to an open file, and takes each member's SHA-256 on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # `finish` closes it

    def add(self, name: str, path: Path) -> str:
        """Take a file in; returns its digest."""
        with path.open("rb") as file:
            hashed = _Hashed(file)
            self._tar.addfile(_bare(self._tar.gettarinfo(name=path, arcname=name)), hashed)
            return hashed.digest

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, and nothing more."""
        text = manifest.as_json()
        about = tarfile.TarInfo(MANIFEST)
        about.size = len(text)
        self._tar.addfile(about, io.BytesIO(text))
        self._tar.close()


class Reader:
    """Reads a backup; every method raises NotABackup for what is missing or damaged."""

    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115  # `close` closes it
            self._members = {member.name: member for member in self._tar.getmembers() if member.isfile()}
        except tarfile.TarError as error:
            raise NotABackup(f"{path} is no backup, or only a part of one ({error})") from None

    def manifest(self) -> Manifest:
        """What it says of itself."""
        return read(self._open(MANIFEST).read())

    def extract(self, name: str, target: Path, digest: str) -> None:
        """Write a member to `target`, and see that it is what was put in."""
        target.parent.mkdir(parents=True, exist_ok=True)
        hashed = _Hashed(self._open(name))
        with target.open("wb") as file:
            while piece := hashed.read(PIECE_BYTES):
                file.write(piece)
        if hashed.digest != digest:
            raise NotABackup(f"{name} is damaged: its SHA-256 is not the manifest's")

    def close(self) -> None:
        """Done with it."""
        self._tar.close()

    def _open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(self._members[name]) if name in self._members else None
        if file is None:
            raise NotABackup(f"{name} is not in it")
        return file


class _Hashed(io.RawIOBase):
    """A file whose digest is known once it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._sum.update(piece)
        return piece

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()


def digest_of(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bare(about: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without whose it was here."""
    about.uid = about.gid = 0
    about.uname = about.gname = ""
    about.mode = 0o600
    return about
