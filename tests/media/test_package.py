"""What a delivery becomes is whole, and each part of it is where `docs/video.md` says."""

import os
import re
import shutil
from pathlib import Path

import pytest

from store.gateways.master import probe
from store.gateways.verify_package import Package, verify
from store.gateways.video_tools import MasterRefused, PackagingFailed
from store.gateways.webvtt import Subtitle, SubtitlesRefused
from store.media.delivery import Delivery, SoundFile, digests_of, recipe_of
from store.media.package import inspect, package
from tests.gateways.masters import draw, ffmpeg

FRENCH = "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nL’œuvre <i>« brute »</i>\n\n00:00:05.000 --> 00:00:08.000\nFin\n"


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp("delivery")
    (folder / "a.vtt").write_text(FRENCH, encoding="utf-8")
    (folder / "b.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n", encoding="utf-8")
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=800:duration=9", "-ac", "2", str(folder / "described.wav"))
    return Delivery(
        master=draw(folder / "film.mp4"),
        subtitles=(
            Subtitle("fr", folder / "a.vtt"),
            Subtitle("en", folder / "b.srt"),
            Subtitle("fr-sdh", folder / "a.vtt"),
        ),
        sounds=(SoundFile("fr-ad", folder / "described.wav"),),
        trailer=draw(folder / "trailer.mp4", "320x180", 2),
    )


@pytest.fixture(scope="module")
def progress() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def packaged(delivery: Delivery, progress: list, tmp_path_factory: pytest.TempPathFactory) -> Package:
    workshop = tmp_path_factory.mktemp("workshop")
    return package(inspect(delivery), workshop, lambda *news: progress.append(news), "ultrafast", chunk_s=4)


@pytest.fixture
def copy(packaged: Package, tmp_path: Path) -> Path:
    """A packaged film that may be damaged."""
    return shutil.copytree(packaged.folder, tmp_path / "copy")


def lines_of(packaged: Package, kind: str) -> list[str]:
    index = (packaged.folder / "index.m3u8").read_text(encoding="utf-8")
    return [line for line in index.splitlines() if line.startswith(f"#EXT-X-MEDIA:TYPE={kind}")]


def test_a_film_becomes_renditions_sounds_and_subtitles(packaged: Package):
    assert packaged.heights == (240, 480, 720)
    assert packaged.sounds == ("audio", "fr-ad")
    assert packaged.subtitles == ("en", "fr", "fr-sdh")


def test_the_film_s_own_sound_is_the_default_and_the_other_is_for_the_blind(packaged: Package):
    own, described = lines_of(packaged, "AUDIO")
    assert 'URI="audio/index.m3u8"' in own
    assert 'LANGUAGE="fr",NAME="Français",DEFAULT=YES' in own
    assert 'URI="audio-fr-ad/index.m3u8"' in described
    assert 'NAME="Français (audiodescription)",DEFAULT=NO' in described
    assert 'CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="2"' in described


def test_subtitles_for_the_deaf_say_so(packaged: Package):
    english, french, for_the_deaf = lines_of(packaged, "SUBTITLES")
    assert 'LANGUAGE="en",NAME="English"' in english
    assert 'LANGUAGE="fr",NAME="Français",DEFAULT=YES' in french
    assert 'NAME="Français (sourds et malentendants)",DEFAULT=NO' in for_the_deaf
    assert "public.accessibility.transcribes-spoken-dialog" in for_the_deaf
    dash = (packaged.folder / "index.mpd").read_text(encoding="utf-8")
    assert re.findall(r'Role schemeIdUri="\S+" value="(\w+)"', dash) == [
        *("main", "description"),
        *("subtitle", "subtitle", "caption"),
    ]


def test_subtitles_keep_their_words(packaged: Package):
    assert "L’œuvre <i>« brute »</i>" in (packaged.folder / "subtitles-fr/00001.vtt").read_text(encoding="utf-8")
    assert "Hello" in (packaged.folder / "subtitles/en.vtt").read_text(encoding="utf-8")


def test_every_segment_but_the_last_lasts_four_seconds(packaged: Package):
    for height in packaged.heights:
        playlist = (packaged.folder / f"video-{height}/index.m3u8").read_text()
        assert [float(text) for text in re.findall(r"#EXTINF:([\d.]+)", playlist)] == [4, 4, 1]


def test_playlists_name_only_files_beside_them(packaged: Package):
    for playlist in [*packaged.folder.rglob("*.m3u8"), packaged.folder / "index.mpd"]:
        text = playlist.read_text(encoding="utf-8")
        named = re.findall(r'(?:URI|initialization|media)="([^"]+)"', text)
        named += [line for line in text.splitlines() if line and line[0] not in "#< "]
        assert named
        assert not [name for name in named if name.startswith("/") or ".." in name or ":" in name]


def test_the_sprite_of_a_moment_is_its_segment_s_first_picture(packaged: Package, tmp_path: Path):
    cues = (packaged.folder / "sprites/index.vtt").read_text().split("\n\n")[1:]
    assert [cue.split("\n")[0] for cue in cues] == [
        "00:00:00.000 --> 00:00:04.000",
        "00:00:04.000 --> 00:00:08.000",
        "00:00:08.000 --> 00:00:09.000",
    ]
    video, whole = packaged.folder / "video-720", tmp_path / "whole.mp4"
    whole.write_bytes(b"".join(file.read_bytes() for file in (video / "init.mp4", *sorted(video.glob("*.m4s")))))
    for second, cue in zip((0, 4, 8), cues, strict=True):
        sheet, place = cue.split("\n")[1].split("#xywh=")
        x, y, width, height = place.strip().split(",")
        assert (width, height) == ("160", "90")
        sprite = f"[0:v]crop={width}:{height}:{x}:{y},format=yuv420p[a]"
        film = f"[1:v]scale={width}:{height}:flags=area,format=yuv420p[b]"
        sources = ("-i", str(packaged.folder / "sprites" / sheet), "-ss", str(second), "-i", str(whole))
        compared = f"{sprite};{film};[a][b]psnr=stats_file=-"
        said = ffmpeg(*sources, "-filter_complex", compared, "-frames:v", "1", "-f", "null", "-")
        assert float(re.findall(r"psnr_avg:([\d.]+|inf)", said)[0]) > 24, second


def test_poster_trailer_and_test_clip_are_open(packaged: Package):
    open_to_all = packaged.folder / "libre"
    assert sorted(path.name for path in open_to_all.iterdir()) == ["poster.jpg", "test", "trailer.mp4"]
    assert b"\xff\xc0\x00\x11\x08\x02\xd0\x05\x00" in (open_to_all / "poster.jpg").read_bytes(), "1280 × 720 pixels"
    assert probe(open_to_all / "trailer.mp4").duration_s == pytest.approx(2, abs=0.1)
    assert (open_to_all / "trailer.mp4").read_bytes().index(b"moov") < 100
    assert {path.suffix for path in (open_to_all / "test/video-720").iterdir()} == {".mp4", ".m3u8", ".m4s"}


def test_the_test_clip_is_not_the_film(packaged: Package):
    for playlist in (packaged.folder / "libre/test").rglob("*/index.m3u8"):
        assert [round(float(text)) for text in re.findall(r"#EXTINF:([\d.]+)", playlist.read_text())] == [4]
    assert len(list((packaged.folder / "libre/test").rglob("*.m4s"))) == 5  # three renditions, two sounds


def test_progress_rises_to_one(packaged: Package, progress: list[tuple[str, float]]):
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert list(dict(progress)) == ["sound", "encode", "trailer", "package", "verify"]


def test_a_second_run_goes_on_with_what_the_first_one_finished(delivery: Delivery, tmp_path: Path):
    """As after a kill in the middle of the second chunk."""
    footage = inspect(Delivery(delivery.master))
    with pytest.raises(Stop):
        package(footage, tmp_path, stop_after(5.0, footage.picture.duration_s), "ultrafast", chunk_s=4)
    pieces = sorted(piece.name for piece in (tmp_path / "pieces").iterdir())
    assert pieces == ["chunk-00000000-100", "sound-fr", "unfinished-chunk-00000100-125", "unfinished-picture"]
    kept = os.stat(tmp_path / "pieces/chunk-00000000-100/video-240.mp4").st_ino
    seen: list[tuple[str, float]] = []

    def watch(step: str, fraction: float) -> None:
        seen.append((step, fraction))
        if (tmp_path / "pieces/chunk-00000000-100").exists():
            assert os.stat(tmp_path / "pieces/chunk-00000000-100/video-240.mp4").st_ino == kept

    made = package(footage, tmp_path, watch, "ultrafast", chunk_s=4)
    assert made.heights == (240, 480, 720)
    assert min(fraction for step, fraction in seen if step == "encode") > 0.4


class Stop(Exception):
    pass


def stop_after(second: float, duration_s: float):
    def on_progress(step: str, fraction: float) -> None:
        if step == "encode" and (fraction - 0.03) / 0.9 * duration_s >= second:
            raise Stop

    return on_progress


@pytest.mark.parametrize(
    "name", ["video-480/00002.m4s", "sprites/00001.jpg", "libre/poster.jpg", "libre/test/audio/00001.m4s"]
)
def test_a_lost_file_is_noticed(copy: Path, name: str):
    verify(copy, 9.0)
    (copy / name).unlink()
    with pytest.raises(PackagingFailed, match=f"{Path(name).name} is missing"):
        verify(copy, 9.0)


def test_an_empty_segment_is_noticed(copy: Path):
    (copy / "audio/00001.m4s").write_bytes(b"")
    with pytest.raises(PackagingFailed, match=r"00001.m4s is empty"):
        verify(copy, 9.0)


def test_a_short_rendition_is_noticed(copy: Path):
    playlist = copy / "video-240/index.m3u8"
    playlist.write_text(playlist.read_text().replace("#EXTINF:4.000,\n00002.m4s\n", ""))
    with pytest.raises(PackagingFailed, match=r"video-240/index.m3u8 lasts 5.0 s instead of 9.0 s"):
        verify(copy, 9.0)


def test_sprites_that_end_too_early_are_noticed(copy: Path):
    cues = copy / "sprites/index.vtt"
    cues.write_text(cues.read_text().rsplit("\n\n", 1)[0] + "\n")
    with pytest.raises(PackagingFailed, match=r"sprites/index.vtt ends at 8.0 s instead of 9.0 s"):
        verify(copy, 9.0)


def test_a_playlist_that_leads_elsewhere_is_noticed(copy: Path):
    index = copy / "index.m3u8"
    index.write_text(index.read_text(encoding="utf-8").replace("video-240/index", "../copy/video-240/index"))
    with pytest.raises(PackagingFailed, match="missing"):
        verify(copy, 9.0)


def test_the_recipe_follows_every_file(delivery: Delivery, tmp_path: Path):
    same = Delivery(
        shutil.copy(delivery.master, tmp_path / "same.mp4"), delivery.subtitles[::-1], delivery.sounds, delivery.trailer
    )
    longer = tmp_path / "longer.mp4"
    longer.write_bytes(delivery.master.read_bytes() + b"\0")
    recipe = recipe_of(delivery)
    assert re.fullmatch("[0-9a-f]{20}", recipe)
    assert recipe_of(same) == recipe
    others = [
        Delivery(longer, delivery.subtitles, delivery.sounds, delivery.trailer),
        Delivery(delivery.master, delivery.subtitles[:1], delivery.sounds, delivery.trailer),
        Delivery(delivery.master, delivery.subtitles, (), delivery.trailer),
        Delivery(delivery.master, delivery.subtitles, delivery.sounds, None),
        Delivery(delivery.master, delivery.subtitles, delivery.sounds, delivery.trailer, "en"),
    ]
    assert len({recipe, *map(recipe_of, others)}) == 6


def test_a_file_that_did_not_change_is_not_read_again(delivery: Delivery, tmp_path: Path):
    master = Path(shutil.copy(delivery.master, tmp_path / "film.mp4"))
    known = digests_of(Delivery(master), {})
    forged = {path: [*digest[:2], "0" * 64] for path, digest in known.items()}
    assert digests_of(Delivery(master), forged) == forged
    os.utime(master, (1, 1))
    assert digests_of(Delivery(master), forged)[str(master)][-1] == known[str(master)][-1]


@pytest.mark.parametrize("name", ["français", "x", "fr-hoh", "", "../fr", "fr,in=x"])
def test_names_that_say_no_language_are_refused(delivery: Delivery, name: str):
    with pytest.raises(SubtitlesRefused, match="is not a language such as fr"):
        inspect(Delivery(delivery.master, (Subtitle(name, delivery.subtitles[0].path),)))
    with pytest.raises(MasterRefused, match="is not a language such as fr"):
        inspect(Delivery(delivery.master, sounds=(SoundFile(name, delivery.master),)))


def test_the_same_name_twice_is_refused(delivery: Delivery):
    twice = delivery.subtitles[0]
    with pytest.raises(SubtitlesRefused, match="twice"):
        inspect(Delivery(delivery.master, (twice, twice)))
    with pytest.raises(MasterRefused, match="'fr' is there already"):
        inspect(Delivery(delivery.master, sounds=(SoundFile("fr", delivery.master),)))


def test_the_sound_of_another_film_is_refused(delivery: Delivery, tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=14", str(tmp_path / "other.wav"))
    with pytest.raises(MasterRefused, match=r"the sound of another film\? It is 14 s long, and the film 9 s"):
        inspect(Delivery(delivery.master, sounds=(SoundFile("en", tmp_path / "other.wav"),)))


def test_sound_longer_than_the_picture_ends_with_it(tmp_path: Path):
    picture, sound = draw(tmp_path / "p.mp4", "320x180", 2, sound=None), tmp_path / "s.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=6", "-c:a", "aac", str(sound))
    master = tmp_path / "both.mkv"
    ffmpeg("-i", str(picture), "-i", str(sound), "-c", "copy", str(master))
    made = package(inspect(Delivery(master)), tmp_path / "workshop", lambda *_: None, "ultrafast")
    assert made.duration_s == pytest.approx(2, abs=0.1)
