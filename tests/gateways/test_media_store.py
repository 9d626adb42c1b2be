"""The media store gives out published files and nothing else."""

from pathlib import Path

import pytest

from store.gateways.media_store import Busy, FolderStore, NotThere

FILM, RECIPE = "la-sociale", "0123456789abcdef0123"


def make(folder: Path, content: str = "#EXTM3U\n") -> Path:
    (folder / "video-240").mkdir(parents=True)
    (folder / "index.m3u8").write_text(content)
    (folder / "video-240" / "00001.m4s").write_bytes(b"segment")
    (folder / ".hidden").write_text("hidden")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path / "media")
    with store.workshop(FILM) as workshop:
        store.publish(make(workshop / "next"), FILM, RECIPE)
    return store


def test_published_files_are_found(store: FolderStore, tmp_path: Path):
    assert store.has(FILM, RECIPE)
    assert store.path_of(FILM, RECIPE, "video-240/00001.m4s").read_bytes() == b"segment"
    assert store.folder_of(FILM, RECIPE) == tmp_path / "media" / FILM / RECIPE


@pytest.mark.parametrize(
    "relative",
    [
        *("", ".", "..", "/", "video-240", "video-240/", "nothing.m4s", ".hidden", "/etc/passwd", "//etc/passwd"),
        *("../index.m3u8", "video-240/../index.m3u8", "video-240//00001.m4s", "./index.m3u8", "..\\index.m3u8"),
        *(
            "index.m3u8\0",
            "index.m3u8\n",
            "%2e%2e/index.m3u8",
            "link.m3u8",
            "elsewhere/secret",
            "a" * 5000,
            "a/" * 3000,
        ),
    ],
)
def test_path_tricks_find_nothing(store: FolderStore, tmp_path: Path, relative: str):
    folder = store.folder_of(FILM, RECIPE)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (folder / "link.m3u8").symlink_to(folder / "index.m3u8")
    (folder / "elsewhere").symlink_to(tmp_path / "outside")
    with pytest.raises(NotThere):
        store.path_of(FILM, RECIPE, relative)


@pytest.mark.parametrize(
    ("film", "recipe"),
    [
        *((name, RECIPE) for name in ("", "..", ".packaging", "la-sociale/..", "La-Sociale", "x\0", "a" * 5000)),
        *((FILM, name) for name in ("", "..", ".", "0123", "../" + RECIPE, RECIPE + "\n", "a" * 5000)),
    ],
)
def test_film_and_recipe_are_names_not_paths(store: FolderStore, film: str, recipe: str):
    with pytest.raises(NotThere):
        store.path_of(film, recipe, "index.m3u8")


def test_what_is_published_never_changes(store: FolderStore):
    with store.workshop(FILM) as workshop:
        store.publish(make(workshop / "next", "other"), FILM, RECIPE)
    assert store.path_of(FILM, RECIPE, "index.m3u8").read_text() == "#EXTM3U\n"


def test_a_copy_leaves_the_original(store: FolderStore, tmp_path: Path):
    original = make(tmp_path / "shipped")
    store.publish_copy(original, "afrique-50", RECIPE)
    store.publish_copy(original, "afrique-50", RECIPE)
    assert store.has("afrique-50", RECIPE)
    assert (original / "index.m3u8").exists()


def test_a_film_is_packaged_by_one_at_a_time(store: FolderStore):
    with store.workshop(FILM), store.workshop("afrique-50"), pytest.raises(Busy, match=FILM), store.workshop(FILM):
        pass
    with store.workshop(FILM):
        pass


def test_a_workshop_is_empty_before_and_after(store: FolderStore, tmp_path: Path):
    left_by_a_killed_worker = tmp_path / "media" / ".packaging" / FILM / "next" / "intermediate"
    left_by_a_killed_worker.mkdir(parents=True)
    with store.workshop(FILM) as workshop:
        assert list(workshop.iterdir()) == []
        make(workshop / "next")
    assert list(workshop.iterdir()) == []
