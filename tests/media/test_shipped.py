"""The demo's films as the repository holds them: all there, light, and known again by the packager."""

import json
from pathlib import Path

import pytest

from store.demo import seed
from store.gateways.master import probe
from store.gateways.verify_package import verify
from store.gateways.webvtt import plain_webvtt
from store.media.delivery import recipe_of

SLUGS = [film["slug"] for film in json.loads(seed.CATALOGUE.read_text(encoding="utf-8"))["films"]]
PACKAGED = sorted(seed.PACKAGED.glob("*/*/"))
TWENTY_FOUR_S_MS = 24_000


def weight_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("slug", SLUGS)
def test_every_film_of_the_demo_has_a_light_master_and_subtitles(slug: str):
    assert 0 < (seed.MASTERS / f"{slug}.mp4").stat().st_size <= 180_000
    for language in seed.SUBTITLE_LANGUAGES:
        text = (seed.MASTERS / f"{slug}.{language}.vtt").read_text(encoding="utf-8")
        assert plain_webvtt(text, TWENTY_FOUR_S_MS) == text


def test_the_masters_are_light_together():
    assert weight_bytes(seed.MASTERS) <= 5_000_000


def test_some_films_are_shipped_packaged():
    assert {folder.parent.name for folder in PACKAGED} == {"la-sociale", "les-jours-heureux", "afrique-50"}


@pytest.mark.parametrize("folder", PACKAGED, ids=lambda folder: folder.parent.name)
def test_a_shipped_film_is_what_the_packager_would_make(folder: Path):
    slug = folder.parent.name
    master = seed.MASTERS / f"{slug}.mp4"
    assert folder.name == recipe_of(seed.delivery_of(slug))
    shipped = verify(folder, probe(master).duration_s)
    assert (shipped.heights, shipped.subtitles) == ((240, 480, 720), ("en", "fr"))
    assert shipped.duration_s >= 20
    assert weight_bytes(folder) <= 1_300_000
