"""A media store gives out published files and nothing else, wherever they lie."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import load
from store.gateways.bucket_store import Bucket, BucketStore
from store.gateways.folder_store import FolderStore
from store.gateways.media_store import Busy, MediaStore, NotThere, OutOfReach
from tests.bucket import client_of, s3_server, settings_for_bucket

FILM, RECIPE, OLD_RECIPE = "la-sociale", "0123456789abcdef0123", "00000000000000000000"
SEGMENT = bytes(range(256)) * 1000


def make(folder: Path, content: str = "#EXTM3U\n") -> Path:
    (folder / "video-240").mkdir(parents=True)
    (folder / "index.m3u8").write_text(content)
    (folder / "video-240" / "00001.m4s").write_bytes(SEGMENT)
    (folder / ".hidden").write_text("hidden")
    return folder


def read(store: MediaStore, name: str, film: str = FILM, recipe: str = RECIPE) -> bytes:
    with store.open(film, recipe, name) as file:
        return file.read()


@pytest.fixture(scope="module")
def s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address: str, tmp_path: Path) -> BucketStore:
    """A store in a bucket of its own, with nothing in it."""
    name = f"films-{os.getpid()}-{tmp_path.name}".replace("_", "-").lower()[:60].strip("-")
    settings = load({"SHOP_MODE": "demo", **settings_for_bucket(s3_address, name)})
    return BucketStore(Bucket(**settings["MEDIA_BUCKET"]), tmp_path / "packaging")


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    """A store in a folder, with nothing in it."""
    return FolderStore(tmp_path / "media")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> MediaStore:
    """Either, with one film in it."""
    store: MediaStore = request.getfixturevalue(request.param)
    with store.workshop(FILM) as workshop:
        store.publish(make(workshop / "next"), FILM, RECIPE)
        assert list(workshop.iterdir()) == []
    return store


def test_published_files_are_found(store: MediaStore) -> None:
    assert store.has(FILM, RECIPE)
    assert not store.has(FILM, OLD_RECIPE)
    assert read(store, "video-240/00001.m4s") == SEGMENT
    with store.local_copy(FILM, RECIPE) as folder:
        assert (folder / "index.m3u8").read_text() == "#EXTM3U\n"
        assert (folder / "video-240" / "00001.m4s").read_bytes() == SEGMENT
    with pytest.raises(NotThere), store.local_copy(FILM, OLD_RECIPE):
        pass


def test_a_file_is_read_from_any_place(store: MediaStore) -> None:
    with store.open(FILM, RECIPE, "video-240/00001.m4s") as file:
        assert file.seek(0, os.SEEK_END) == len(SEGMENT)
        assert file.read() == b""
        file.seek(300)
        assert (file.read(10), file.tell()) == (SEGMENT[300:310], 310)
        file.seek(-3, os.SEEK_END)
        assert file.read(10) == SEGMENT[-3:]


@pytest.mark.parametrize(
    "relative",
    [
        *("", ".", "..", "/", "video-240", "video-240/", "nothing.m4s", ".hidden", "/etc/passwd", "//etc/passwd"),
        *("../index.m3u8", "video-240/../index.m3u8", "video-240//00001.m4s", "./index.m3u8", "..\\index.m3u8"),
        *("index.m3u8\0", "index.m3u8\n", "%2e%2e/index.m3u8", ".whole", "a" * 5000, "a/" * 3000),
    ],
)
def test_path_tricks_find_nothing(store: MediaStore, relative: str) -> None:
    with pytest.raises(NotThere):
        store.open(FILM, RECIPE, relative)


@pytest.mark.parametrize("relative", ["link.m3u8", "elsewhere/secret"])
def test_links_lead_nowhere(folder: FolderStore, tmp_path: Path, relative: str) -> None:
    published = make(tmp_path / "media" / FILM / RECIPE)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (published / "link.m3u8").symlink_to(published / "index.m3u8")
    (published / "elsewhere").symlink_to(tmp_path / "outside")
    assert read(folder, "index.m3u8")
    with pytest.raises(NotThere):
        folder.open(FILM, RECIPE, relative)


@pytest.mark.parametrize(
    ("film", "recipe"),
    [
        *((name, RECIPE) for name in ("", "..", ".packaging", "la-sociale/..", "La-Sociale", "x\0", "a" * 5000)),
        *((FILM, name) for name in ("", "..", ".", "0123", "../" + RECIPE, RECIPE + "\n", "a" * 5000)),
    ],
)
def test_film_and_recipe_are_names_not_paths(store: MediaStore, film: str, recipe: str) -> None:
    for act in (store.has, store.delete, lambda *names: store.open(*names, "index.m3u8")):
        with pytest.raises(NotThere):
            act(film, recipe)


def test_what_is_published_never_changes(store: MediaStore) -> None:
    with store.workshop(FILM) as workshop:
        store.publish(make(workshop / "next", "other"), FILM, RECIPE)
        assert list(workshop.iterdir()) == []
    assert read(store, "index.m3u8") == b"#EXTM3U\n"


def test_a_copy_leaves_the_original(store: MediaStore, tmp_path: Path) -> None:
    original = make(tmp_path / "shipped")
    store.publish_copy(original, "afrique-50", RECIPE)
    store.publish_copy(original, "afrique-50", RECIPE)
    assert store.has("afrique-50", RECIPE)
    assert (original / "index.m3u8").exists()


def test_an_old_version_is_listed_and_taken_away(store: MediaStore, tmp_path: Path) -> None:
    store.publish_copy(make(tmp_path / "old", "old"), FILM, OLD_RECIPE)
    store.publish_copy(make(tmp_path / "other film"), "afrique-50", RECIPE)
    assert store.versions(FILM) == [OLD_RECIPE, RECIPE]
    assert read(store, "index.m3u8", recipe=OLD_RECIPE) == b"old"
    for _ in range(2):
        store.delete(FILM, OLD_RECIPE)
    assert store.versions(FILM) == [RECIPE]
    assert not store.has(FILM, OLD_RECIPE)
    with pytest.raises(NotThere):
        store.open(FILM, OLD_RECIPE, "index.m3u8")
    assert read(store, "index.m3u8") == read(store, "index.m3u8", "afrique-50") == b"#EXTM3U\n"
    assert store.versions("no-such-film") == []


def test_a_version_that_was_taken_away_can_come_again(store: MediaStore, tmp_path: Path) -> None:
    store.open(FILM, RECIPE, "index.m3u8").close()
    store.delete(FILM, RECIPE)
    store.publish_copy(make(tmp_path / "again", "again"), FILM, RECIPE)
    assert read(store, "index.m3u8") == b"again"


def test_a_film_is_packaged_by_one_at_a_time(store: MediaStore) -> None:
    with store.workshop(FILM), store.workshop("afrique-50"), pytest.raises(Busy, match=FILM), store.workshop(FILM):
        pass
    with store.workshop(FILM):
        pass


def test_a_workshop_is_empty_before_and_after(store: MediaStore) -> None:
    with store.workshop(FILM) as workshop:
        pass
    (workshop / "next" / "left by a killed worker").mkdir(parents=True)
    with store.workshop(FILM) as workshop:
        assert list(workshop.iterdir()) == []
        make(workshop / "next")
    assert list(workshop.iterdir()) == []


def test_a_workshop_can_be_entered_as_it_was_left(store: MediaStore) -> None:
    with store.alone(FILM) as workshop:
        make(workshop / "piece")
        with pytest.raises(Busy), store.workshop(FILM):
            pass
    with store.alone(FILM) as workshop:
        assert (workshop / "piece" / "index.m3u8").exists()


def test_a_killed_upload_was_none_and_is_repeated(bucket: BucketStore, tmp_path: Path) -> None:
    made = make(tmp_path / "made")
    for number in range(100):
        (made / "video-240" / f"{number:05}.m4s").write_bytes(SEGMENT)
    child = os.fork()
    if child == 0:
        bucket.publish_copy(made, FILM, RECIPE)
        os._exit(0)
    while bucket.versions(FILM) == []:
        pass
    os.kill(child, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "it was done before it could be killed: give it more to do"
    assert not bucket.has(FILM, RECIPE)
    with pytest.raises(NotThere):
        bucket.open(FILM, RECIPE, "video-240/00001.m4s")
    bucket.publish(made, FILM, RECIPE)
    assert read(bucket, "video-240/00099.m4s") == SEGMENT
    assert not made.exists()


def test_objects_say_what_they_are_and_who_may_keep_them(bucket: BucketStore, s3_address: str, tmp_path: Path) -> None:
    bucket.publish_copy(make(tmp_path / "made"), FILM, RECIPE)
    client, name = client_of(s3_address), bucket._bucket.name
    kinds = {}
    for item in client.list_objects_v2(Bucket=name)["Contents"]:
        found = client.head_object(Bucket=name, Key=item["Key"])
        kinds[item["Key"].removeprefix(f"shop/films/{FILM}/{RECIPE}/")] = (
            found["ContentType"],
            found.get("CacheControl"),
        )
    assert kinds["index.m3u8"] == ("application/vnd.apple.mpegurl", "no-store")
    assert kinds["video-240/00001.m4s"] == ("video/mp4", "private, max-age=600, immutable")


def test_a_storage_that_is_gone_is_not_an_empty_one(tmp_path: Path) -> None:
    with s3_server() as address:
        settings = load({"SHOP_MODE": "demo", **settings_for_bucket(address, f"gone-{os.getpid()}")})
    lost = BucketStore(Bucket(**settings["MEDIA_BUCKET"]), tmp_path)
    acts = [
        lambda: lost.has(FILM, RECIPE),
        lambda: lost.open(FILM, RECIPE, "index.m3u8"),
        lambda: lost.versions(FILM),
        lambda: lost.delete(FILM, RECIPE),
        lambda: lost.publish_copy(make(tmp_path / "made"), FILM, RECIPE),
    ]
    for act in acts:
        with pytest.raises(OutOfReach):
            act()


def test_a_bucket_that_nobody_made_takes_nothing(s3_address: str, tmp_path: Path) -> None:
    settings = load({"SHOP_MODE": "demo", **settings_for_bucket(s3_address, f"one-{os.getpid()}")})
    missing = BucketStore(Bucket(**settings["MEDIA_BUCKET"] | {"name": "no-such-bucket"}), tmp_path)
    with pytest.raises(OutOfReach):
        missing.publish_copy(make(tmp_path / "made"), FILM, RECIPE)
