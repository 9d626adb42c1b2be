"""The demo's films: each has a master and subtitles, and what is shipped packaged is what its master would give today."""

import html
import json
import re

import pytest

from store.demo.package_masters import SHIPPED
from store.demo.seed import CATALOGUE, MASTERS, PACKAGED, SUBTITLE_LANGUAGES, delivery_of
from store.gateways.master import probe
from store.gateways.verify_package import verify
from store.gateways.webvtt import Subtitle, rewrite
from store.media.delivery import recipe_of

SLUGS = [film["slug"] for film in json.loads(CATALOGUE.read_text(encoding="utf-8"))["films"]]
HEAVIEST_PACKAGE_BYTES = 1_300_000
HEAVIEST_MASTERS_BYTES = 5_500_000


def test_every_film_has_a_master() -> None:
    assert [slug for slug in SLUGS if not (MASTERS / f"{slug}.mp4").is_file()] == []


@pytest.mark.parametrize("slug", SHIPPED)
def test_a_master_has_sound_and_720_lines_and_lasts(slug: str) -> None:
    probed = probe(MASTERS / f"{slug}.mp4")
    assert (probed.width, probed.height, probed.sound is not None) == (1280, 720, True)
    assert probed.duration_s >= 20


def test_masters_stay_light() -> None:
    assert sum(master.stat().st_size for master in MASTERS.glob("*.mp4")) <= HEAVIEST_MASTERS_BYTES


@pytest.mark.parametrize("language", SUBTITLE_LANGUAGES)
def test_every_film_has_subtitles_that_name_it(language: str) -> None:
    films = json.loads(CATALOGUE.read_text(encoding="utf-8"))["films"]
    for film in films:
        text = rewrite(Subtitle(language, MASTERS / f"{film['slug']}.{language}.vtt"), until_s=20)
        assert text.count("-->") >= 5, film["slug"]
        assert film["title"].replace("&", "&amp;") in text
        assert str(film["year"]) in text


def test_french_subtitles_keep_their_punctuation_unbroken() -> None:
    for slug in SLUGS:
        text = (MASTERS / f"{slug}.fr.vtt").read_text(encoding="utf-8")
        words = html.unescape("\n".join(line for line in text.splitlines() if "-->" not in line))
        assert not re.search(r"[ \n][:;!?»]|[^\u00a0\u202f:;!?»][;!?»]|« ", words), slug


@pytest.mark.parametrize("slug", SHIPPED)
def test_a_shipped_package_is_what_its_master_gives_today(slug: str) -> None:
    master = MASTERS / f"{slug}.mp4"
    folder = PACKAGED / slug / recipe_of(delivery_of(slug))
    assert list((PACKAGED / slug).iterdir()) == [folder]
    verified = verify(folder, probe(master).duration_s)
    assert verified.heights == (240, 480, 720)
    assert verified.subtitles == ("en", "fr")


@pytest.mark.parametrize("slug", SHIPPED)
def test_a_shipped_package_stays_light(slug: str) -> None:
    weight = sum(path.stat().st_size for path in (PACKAGED / slug).rglob("*") if path.is_file())
    assert weight <= HEAVIEST_PACKAGE_BYTES
