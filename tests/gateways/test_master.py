"""Delivered files are described, or refused in a line, without being decoded."""

from fractions import Fraction
from pathlib import Path

import pytest

from store.gateways.master import probe, probe_sound
from store.gateways.video_tools import MasterRefused
from tests.gateways.masters import draw, ffmpeg


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("masters") / "film.mp4", "320x180")


def test_a_master_is_described(master: Path):
    probed = probe(master)
    assert (probed.width, probed.height, probed.fps, probed.frames) == (320, 180, 25, 225)
    assert probed.duration_s == pytest.approx(9, abs=0.05)
    assert probed.sound is not None
    assert (probed.sound.channels, probed.sound.language) == (1, "")


@pytest.mark.parametrize(
    ("frames", "expected"), [("12.5", 25), ("15", 30), ("23.9", "24000/1001"), ("24", 24), ("60", 60)]
)
def test_pictures_come_at_a_usual_rate(tmp_path: Path, frames: str, expected: str | int):
    assert probe(draw(tmp_path / "film.mp4", "128x72", 2, "-r", frames, sound=None)).fps == Fraction(expected)


def test_a_file_s_sounds_are_told_apart(tmp_path: Path):
    two = tmp_path / "two.mkv"
    tones = ("-f", "lavfi", "-i", "sine=duration=2", "-f", "lavfi", "-i", "anullsrc=cl=stereo:duration=2")
    named = ("-metadata:s:a:0", "language=fre", "-metadata:s:a:1", "language=eng")
    ffmpeg(*tones, "-map", "0", "-map", "1", "-c:a", "aac", *named, str(two))
    first, second = probe_sound(two), probe_sound(two, 2)
    assert (first.language, first.channels, second.language, second.channels) == ("fr", 1, "en", 2)
    assert first.stream != second.stream
    with pytest.raises(MasterRefused, match=r"^two\.mkv: it holds 2 sounds, not 3$"):
        probe_sound(two, 3)


@pytest.mark.parametrize("name", ["sound.wav", "sound.flac", "sound.m4a"])
def test_a_sound_may_come_in_a_file_of_its_own(tmp_path: Path, name: str):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", str(tmp_path / name))
    assert probe_sound(tmp_path / name).duration_s == pytest.approx(2, abs=0.05)


def test_a_picture_without_sound_is_no_sound(tmp_path: Path):
    with pytest.raises(MasterRefused, match=r"^film\.mp4: it holds no sound$"):
        probe_sound(draw(tmp_path / "film.mp4", "128x72", 1, sound=None))


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
        b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>',
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


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path):
    huge = draw(tmp_path / "film.mp4", "8400x4400", 0.04, "-frames:v", "1", sound=None)
    assert huge.stat().st_size < 2 * 1024**2
    with pytest.raises(MasterRefused, match="8400 × 4400"):
        probe(huge)
