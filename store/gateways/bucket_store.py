"""Films in a bucket of a storage that speaks S3.

Files of a version go up in any order; the last object, `<film>/<recipe>/.whole`, says that all of them are there, and is the
first to go. What has no such mark was never published: a killed upload leaves nothing that counts, and is repeated over it.
boto3 is imported where it is used: it takes a quarter of a second, which only those pay who have a bucket.
"""

import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from store.gateways.media_names import NotThere, cache_rule, file_name, film_name, media_type, version_name
from store.gateways.workshop import alone, workshop

MARK = ".whole"
AT_ONCE = 16
READ_AHEAD_BYTES = 1024 * 1024
PATIENCE = {"connect_timeout": 3, "read_timeout": 20, "retries": {"total_max_attempts": 3, "mode": "standard"}}
HASTE = {"connect_timeout": 1, "read_timeout": 1, "retries": {"total_max_attempts": 1}}
AS_SIMPLE_AS_CAN_BE = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
"""Checksums that AWS added later are unknown to many storages that speak S3."""


class OutOfReach(Exception):
    """The storage does not answer, or not to us."""


@dataclass(frozen=True)
class Bucket:
    """Where a bucket is and what opens it. `prefix` is empty or ends with a slash; without `endpoint` it is AWS's own."""

    name: str
    prefix: str
    endpoint: str | None
    region: str
    key_id: str
    secret: str = field(repr=False)


class BucketStore:
    """A media store (`media_store.MediaStore`) over HTTP; every method also raises OutOfReach."""

    def __init__(self, bucket: Bucket, workshops: Path) -> None:
        self._bucket = bucket
        self._workshops = workshops
        self._whole: set[str] = set()  # spares a request for each file; what was deleted since is found missing itself

    def answers(self) -> bool:
        """Whether the bucket says what is in it, within two seconds."""
        try:
            with _in_reach(self._bucket.name):
                self._hasty_client.list_objects_v2(Bucket=self._bucket.name, Prefix=self._bucket.prefix, MaxKeys=1)
        except (OutOfReach, NotThere):
            return False
        return True

    def has(self, film: str, recipe: str) -> bool:
        """Whether this version of the film is published."""
        version = version_name(film, recipe)
        if self._size(f"{version}/{MARK}") is None:
            return False
        self._whole.add(version)
        return True

    def open(self, film: str, recipe: str, name: str) -> BinaryIO:
        """A published file, read in parts as they are asked for. Raises NotThere."""
        key = file_name(film, recipe, name)
        is_whole = version_name(film, recipe) in self._whole or self.has(film, recipe)
        size = self._size(key) if is_whole else None
        if size is None:
            raise NotThere(key)
        return io.BufferedReader(RemoteFile(lambda start, end: self._read(key, start, end), size), READ_AHEAD_BYTES)

    @contextmanager
    def local_copy(self, film: str, recipe: str) -> Iterator[Path]:
        """A published version in a folder of this machine, which is gone after the block. Raises NotThere."""
        version = version_name(film, recipe)
        if not self.has(film, recipe):
            raise NotThere(version)
        with tempfile.TemporaryDirectory(prefix="film-") as folder:
            self._at_once(
                lambda key: self._download(key, Path(folder) / key.removeprefix(f"{version}/")), self._files(version)
            )
            yield Path(folder)

    def publish(self, folder: Path, film: str, recipe: str) -> None:
        """Take a finished folder into the bucket; a version that is there already stays as it is."""
        self.publish_copy(folder, film, recipe)
        shutil.rmtree(folder)

    def publish_copy(self, folder: Path, film: str, recipe: str) -> None:
        """Publish a copy of a folder that must stay where it is."""
        if self.has(film, recipe):
            return
        version = version_name(film, recipe)
        names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        self._at_once(lambda name: self._upload(folder / name, f"{version}/{name}"), names)
        self._ask("put_object", Key=self._key(f"{version}/{MARK}"), Body=b"")

    def versions(self, film: str) -> list[str]:
        """The recipes of the film's versions, those of which only a part went up included: they can be deleted."""
        inside = self._key(f"{film_name(film)}/")
        pages = self._pages(Prefix=inside, Delimiter="/")
        return sorted(found["Prefix"][len(inside) : -1] for page in pages for found in page.get("CommonPrefixes", ()))

    def films(self) -> list[str]:
        """The films of which there are versions."""
        pages = self._pages(Prefix=self._bucket.prefix, Delimiter="/")
        inside = len(self._bucket.prefix)
        return sorted(found["Prefix"][inside:-1] for page in pages for found in page.get("CommonPrefixes", ()))

    def files(self, film: str, recipe: str) -> dict[str, int]:
        """The names of a published version's files, with their sizes in bytes. Raises NotThere."""
        version = version_name(film, recipe)
        if not self.has(film, recipe):
            raise NotThere(version)
        inside = self._key(f"{version}/")
        items = [item for page in self._pages(Prefix=inside) for item in page.get("Contents", ())]
        sizes = {item["Key"].removeprefix(inside): int(item["Size"]) for item in items}
        return {name: size for name, size in sorted(sizes.items()) if name != MARK}

    def delete(self, film: str, recipe: str) -> None:
        """Take a version away, its mark first; one that is not there is none."""
        version = version_name(film, recipe)
        self._whole.discard(version)
        self._ask("delete_object", Key=self._key(f"{version}/{MARK}"))
        self._at_once(lambda name: self._ask("delete_object", Key=self._key(name)), self._files(version))

    def workshop(self, film: str) -> AbstractContextManager[Path]:
        """An empty folder of this machine to make a film's next version in, for one of its processes at a time: Busy."""
        return workshop(self._workshops / film_name(film))

    def alone(self, film: str) -> AbstractContextManager[Path]:
        """The same folder with what was left in it, for a work that goes on: Busy."""
        return alone(self._workshops / film_name(film))

    def _size(self, name: str) -> int | None:
        """In bytes; None if there is no such object."""
        try:
            return int(self._ask("head_object", Key=self._key(name))["ContentLength"])
        except NotThere:
            return None

    def _read(self, name: str, start: int, end: int) -> bytes:
        with _in_reach(name):
            answer = self._client.get_object(
                Bucket=self._bucket.name, Key=self._key(name), Range=f"bytes={start}-{end - 1}"
            )
            return bytes(answer["Body"].read())

    def _upload(self, path: Path, name: str) -> None:
        with path.open("rb") as file:
            kind = media_type(name) or "application/octet-stream"
            self._ask("put_object", Key=self._key(name), Body=file, ContentType=kind, CacheControl=cache_rule(name))

    def _download(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _in_reach(name), path.open("wb") as file:
            answer = self._client.get_object(Bucket=self._bucket.name, Key=self._key(name))
            shutil.copyfileobj(answer["Body"], file)

    def _files(self, version: str) -> list[str]:
        """The names of the version's objects, without its mark."""
        pages = self._pages(Prefix=self._key(f"{version}/"))
        found = (item["Key"].removeprefix(self._bucket.prefix) for page in pages for item in page.get("Contents", ()))
        return [name for name in found if not name.endswith(f"/{MARK}")]

    def _pages(self, **which: str) -> list[dict[str, Any]]:
        with _in_reach(which["Prefix"]):
            return list(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name, **which))

    def _ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        with _in_reach(arguments["Key"]):
            return dict(getattr(self._client, what)(Bucket=self._bucket.name, **arguments))

    @staticmethod
    def _at_once(act: Callable[[str], object], names: Iterable[str]) -> None:
        """Several at a time; the first failure is raised when those that run are done, and no further one begins."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for _ in pool.map(act, names):
                    pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _key(self, name: str) -> str:
        return self._bucket.prefix + name

    @cached_property
    def _client(self) -> Any:
        return self._connected(PATIENCE)

    @cached_property
    def _hasty_client(self) -> Any:
        return self._connected(HASTE)

    def _connected(self, patience: dict[str, Any]) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._bucket.endpoint,
            region_name=self._bucket.region,
            aws_access_key_id=self._bucket.key_id,
            aws_secret_access_key=self._bucket.secret,
            config=Config(max_pool_connections=AT_ONCE, **patience, **AS_SIMPLE_AS_CAN_BE),
        )


class RemoteFile(io.RawIOBase):
    """A file of which `read(start, end)` gives any part."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the beginning, from here or from the end."""
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the file goes, with one request."""
        end = min(self._place + len(buffer), self._size)
        if end <= self._place:
            return 0
        part = self._read(self._place, end)
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)


@contextmanager
def _in_reach(name: str) -> Iterator[None]:
    """What boto3 raises, in our words."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            raise NotThere(name) from None
        raise OutOfReach(f"{name}: {error}") from error
    except BotoCoreError as error:
        raise OutOfReach(f"{name}: {error}") from error
