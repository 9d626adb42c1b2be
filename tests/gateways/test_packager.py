"""Masters are encoded right or refused in a line; what comes out is whole; nothing is left running."""

import os
import re
import select
import shutil
import signal
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from store.gateways.packager import MasterRefused, Package, PackagingFailed, ladder, package, probe, recipe_of, verify
from store.gateways.webvtt import Subtitle, SubtitlesRefused
from tests.gateways.masters import draw, ffmpeg

FRENCH = "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nL’œuvre <i>« brute »</i>\n\n00:00:05.000 --> 00:00:08.000\nFin\n"


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("masters") / "film.mp4")


@pytest.fixture(scope="module")
def subtitles(tmp_path_factory: pytest.TempPathFactory) -> list[Subtitle]:
    folder = tmp_path_factory.mktemp("subtitles")
    (folder / "a.vtt").write_text(FRENCH, encoding="utf-8")
    (folder / "b.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n", encoding="utf-8")
    return [Subtitle("fr", folder / "a.vtt"), Subtitle("en", folder / "b.srt")]


@pytest.fixture(scope="module")
def progress() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def packaged(
    master: Path, subtitles: list[Subtitle], progress: list, tmp_path_factory: pytest.TempPathFactory
) -> Package:
    folder = tmp_path_factory.mktemp("packaged") / "film"
    return package(master, subtitles, folder, lambda *news: progress.append(news), preset="ultrafast")


@pytest.fixture
def copy(packaged: Package, tmp_path: Path) -> Path:
    """A packaged film that may be damaged."""
    return shutil.copytree(packaged.folder, tmp_path / "copy")


def silent(step: str, fraction: float) -> None:
    pass


def test_a_master_is_described(master: Path):
    probed = probe(master)
    assert (probed.width, probed.height, probed.fps, probed.has_audio) == (1280, 720, 25, True)
    assert probed.duration_s == pytest.approx(9, abs=0.05)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1920, 1080, [(426, 240), (854, 480), (1280, 720), (1920, 1080)]),
        (3840, 2160, [(426, 240), (854, 480), (1280, 720), (1920, 1080)]),
        (1280, 720, [(426, 240), (854, 480), (1280, 720)]),
        (1920, 804, [(426, 178), (854, 358), (1280, 536), (1920, 804)]),
        (720, 576, [(300, 240), (600, 480), (720, 576)]),
        (320, 180, [(320, 180)]),
    ],
)
def test_no_rendition_is_larger_than_its_master(width: int, height: int, expected: list):
    assert [rendition[:2] for rendition in ladder(width, height)] == expected


def test_a_film_becomes_renditions_sound_and_subtitles(packaged: Package):
    assert packaged.heights == (240, 480, 720)
    assert packaged.subtitles == ("en", "fr")
    index = (packaged.folder / "index.m3u8").read_text(encoding="utf-8")
    assert index.count("#EXT-X-STREAM-INF") == 3
    assert 'TYPE=AUDIO,URI="audio/index.m3u8"' in index
    assert 'LANGUAGE="fr",NAME="Français",DEFAULT=YES' in index
    assert not (packaged.folder / "intermediate").exists()


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


def test_subtitles_keep_their_words(packaged: Package):
    assert "L’œuvre <i>« brute »</i>" in (packaged.folder / "subtitles-fr/00001.vtt").read_text(encoding="utf-8")
    assert "Hello" in (packaged.folder / "subtitles/en.vtt").read_text(encoding="utf-8")


def test_progress_rises_to_one(packaged: Package, progress: list[tuple[str, float]]):
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert list(dict(progress)) == ["probe", "encode", "package", "verify"]


def test_a_lost_segment_is_noticed(copy: Path):
    verify(copy, 9.0)
    (copy / "video-480/00002.m4s").unlink()
    with pytest.raises(PackagingFailed, match="00002.m4s is missing"):
        verify(copy, 9.0)


def test_an_empty_segment_is_noticed(copy: Path):
    (copy / "audio/00001.m4s").write_bytes(b"")
    with pytest.raises(PackagingFailed, match="00001.m4s is empty"):
        verify(copy, 9.0)


def test_a_short_rendition_is_noticed(copy: Path):
    playlist = copy / "video-240/index.m3u8"
    playlist.write_text(playlist.read_text().replace("#EXTINF:4.000,\n00002.m4s\n", ""))
    with pytest.raises(PackagingFailed, match=r"video-240/index.m3u8 lasts 5.0 s instead of 9.0 s"):
        verify(copy, 9.0)


def test_a_playlist_that_leads_elsewhere_is_noticed(copy: Path):
    index = copy / "index.m3u8"
    index.write_text(index.read_text(encoding="utf-8").replace("video-240/index", "../copy/video-240/index"))
    with pytest.raises(PackagingFailed, match="missing"):
        verify(copy, 9.0)


def test_the_recipe_follows_master_and_subtitles(master: Path, subtitles: list[Subtitle], tmp_path: Path):
    same = shutil.copy(master, tmp_path / "same.mp4")
    longer = tmp_path / "longer.mp4"
    longer.write_bytes(master.read_bytes() + b"\0")
    recipe = recipe_of(master, subtitles)
    assert re.fullmatch("[0-9a-f]{20}", recipe)
    assert recipe_of(same, subtitles[::-1]) == recipe
    assert len({recipe, recipe_of(longer, subtitles), recipe_of(master, subtitles[:1]), recipe_of(master, [])}) == 4


def test_an_old_tape_comes_out_right(tmp_path: Path):
    """Anamorphic, interlaced, six channels, in Matroska."""
    six = "aevalsrc=0.1*sin(900*t)|0|0.1*sin(500*t)|0|0|0:channel_layout=5.1"
    interlaced = ("-vf", "setsar=64/45", "-flags", "+ilme+ildct", "-x264opts", "tff=1")
    master = draw(tmp_path / "tape.mkv", "720x576", 2, *interlaced, sound=six)
    probed = probe(master)
    assert (probed.width, probed.height, probed.interlaced, probed.sound_channels) == (1024, 576, True, 2)
    made = package(master, [], tmp_path / "film", silent, preset="ultrafast")
    index = (made.folder / "index.m3u8").read_text(encoding="utf-8")
    assert "RESOLUTION=1024x576" in index
    assert 'CHANNELS="2"' in index


def test_a_silent_turned_picture_of_odd_size_comes_out_right(tmp_path: Path):
    flat = draw(
        tmp_path / "flat.mp4", "322x182", 2, "-vf", "crop=321:181,format=yuv444p", "-pix_fmt", "yuv444p", sound=None
    )
    master = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(master))
    made = package(master, [], tmp_path / "film", silent, preset="ultrafast")
    index = (made.folder / "index.m3u8").read_text(encoding="utf-8")
    assert "RESOLUTION=180x320" in index
    assert "TYPE=AUDIO" not in index


def test_sound_longer_than_the_picture_ends_with_it(tmp_path: Path):
    picture, sound = draw(tmp_path / "p.mp4", "320x180", 2, sound=None), tmp_path / "s.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=6", "-c:a", "aac", str(sound))
    master = tmp_path / "both.mkv"
    ffmpeg("-i", str(picture), "-i", str(sound), "-c", "copy", str(master))
    assert package(master, [], tmp_path / "film", silent, preset="ultrafast").duration_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("frames", "expected"), [("12.5", 25), ("15", 30), ("23.9", "24000/1001"), ("24", 24), ("60", 60)]
)
def test_pictures_come_at_a_usual_rate(tmp_path: Path, frames: str, expected: str | int):
    assert probe(draw(tmp_path / "film.mp4", "128x72", 2, "-r", frames, sound=None)).fps == Fraction(expected)


def test_half_a_file_is_refused(master: Path, tmp_path: Path):
    half = tmp_path / "half.mp4"
    half.write_bytes(master.read_bytes()[: master.stat().st_size // 2])
    with pytest.raises(MasterRefused, match=r"^half\.mp4: unreadable or truncated"):
        probe(half)


@pytest.mark.parametrize(("name", "options"), [("cut.mp4", ("-movflags", "+faststart")), ("cut.mkv", ())])
def test_a_file_that_breaks_off_behind_its_index_is_refused(tmp_path: Path, name: str, options: tuple):
    whole = draw(tmp_path / f"whole-{name}", "320x180", 20, *options)
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MasterRefused, match=r"truncated: it announces 20 s"):
        probe(cut)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Not a film at all.\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + b"#EXTM3U\nhttp://127.0.0.1:9/film.ts\n",
        b"\x1a\x45\xdf\xa3" + bytes(200),
    ],
)
def test_what_is_no_film_is_refused_in_one_line(tmp_path: Path, content: bytes):
    master = tmp_path / "film.mp4"
    master.write_bytes(content)
    with pytest.raises(MasterRefused, match=r"^film\.mp4: [^\n]+$"):
        probe(master)


def test_sound_alone_is_refused(tmp_path: Path):
    master = tmp_path / "song.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", str(master))
    with pytest.raises(MasterRefused, match="no moving picture"):
        probe(master)


def test_the_same_language_twice_is_refused(master: Path, subtitles: list[Subtitle], tmp_path: Path):
    with pytest.raises(SubtitlesRefused, match="twice"):
        package(master, [subtitles[0], subtitles[0]], tmp_path / "film", silent)


class Stop(Exception):
    pass


def test_being_told_to_stop_ends_the_encoder(master: Path, tmp_path: Path):
    def stop(step: str, fraction: float) -> None:
        if step == "encode":
            raise Stop

    before = children_of(os.getpid())  # servers that other tests share
    with pytest.raises(Stop):
        package(master, [], tmp_path / "film", stop, preset="medium")
    assert children_of(os.getpid()) == before
    with pytest.raises(MasterRefused, match="truncated"):  # it was not waited for
        probe(tmp_path / "film/intermediate/video-720.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_worker_leaves_no_orphan(master: Path, tmp_path: Path):
    news, told = os.pipe()
    worker = os.fork()
    if not worker:
        package(master, [], tmp_path / "film", lambda step, _: os.write(told, step.encode() + b"\n") and None)
        os._exit(0)
    os.close(told)
    with open(news) as steps:
        assert any(line == "encode\n" for line in steps)
        (encoder,) = children_of(worker)
        end = os.pidfd_open(encoder)
        assert os.getpriority(os.PRIO_PROCESS, encoder) == 15
        assert os.getpgid(encoder) != os.getpgid(worker)
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    assert select.select([end], [], [], 5)[0], "the encoder outlives its worker"
    os.close(end)


def children_of(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
