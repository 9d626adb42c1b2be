"""Masters come as they come: each is encoded right, or refused in one line."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.gateways.master import probe
from store.gateways.verify_package import Package
from store.gateways.video_tools import MasterRefused
from store.media.delivery import Delivery
from store.media.package import inspect, package
from tests.gateways.masters import BEEP, beep_s, clap, draw, ffmpeg, flash_s, right_lufs

GREATEST_SHIFT_S = 0.04
SIX = "aevalsrc=0.4*sin(900*t)*between(t\\,1\\,1.4)|0|0.3*sin(6000*t)*between(t\\,1\\,1.4)|0|0|0:channel_layout=5.1"
UNEVEN = "select='not(mod(n,3))+between(n,20,40)+eq(n,59)'"


@dataclass(frozen=True)
class Kind:
    """A master that is odd in some way, and what must come of it."""

    name: str
    size: str
    seen: tuple[int, int]
    channels: int
    filters: str = "null"
    options: tuple[str, ...] = ()
    beep: str | None = BEEP


KINDS = [
    Kind("plain.mp4", "256x144", (256, 144), 1),
    Kind("uneven.mkv", "256x144", (256, 144), 1, UNEVEN, ("-fps_mode", "vfr")),
    Kind("six.mkv", "256x144", (256, 144), 2, options=("-c:a", "ac3", "-b:a", "448k"), beep=SIX),
    Kind("stereo-pcm.mov", "192x144", (192, 144), 2, options=("-c:a", "pcm_s24le", "-ac", "2")),
    Kind("silence.mp4", "256x144", (256, 144), 2, beep="anullsrc=r=48000:cl=stereo"),
    Kind("no-sound.mp4", "256x144", (256, 144), 0, beep=None),
    Kind(
        "tape.mkv",
        "180x144",
        (256, 144),
        1,
        "setsar=64/45,setfield=tff",
        ("-flags", "+ilme+ildct", "-x264opts", "tff=1"),
    ),
    Kind("odd.mkv", "260x150", (256, 144), 1, "crop=257:145,format=yuv444p", ("-pix_fmt", "yuv444p")),
    Kind("ten-bit.mov", "256x144", (256, 144), 1, options=("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")),
    Kind("rgb.mkv", "256x144", (256, 144), 1, options=("-c:v", "ffv1", "-pix_fmt", "gbrp")),
    Kind("american.mp4", "256x144", (256, 144), 1, "fps=30000/1001"),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_odd_master_comes_out_right(kind: Kind, tmp_path: Path):
    master = clap(tmp_path / kind.name, kind.size, kind.filters, *kind.options, beep=kind.beep)
    check(master, kind, tmp_path)


def test_a_turned_picture_stands_upright(tmp_path: Path):
    lying = clap(tmp_path / "lying.mp4", "256x144")
    ffmpeg("-display_rotation", "90", "-i", str(lying), "-c", "copy", str(tmp_path / "turned.mp4"))
    check(tmp_path / "turned.mp4", Kind("turned.mp4", "", (136, 240), 1), tmp_path)


def test_sound_that_begins_later_than_the_picture_keeps_its_place(tmp_path: Path):
    """The sound's first half second is missing, as its time stamps say."""
    whole, master = clap(tmp_path / "whole.mkv", "256x144"), tmp_path / "late.mkv"
    late = ("-ss", "0.5", "-itsoffset", "0.5", "-i", str(whole))
    ffmpeg("-i", str(whole), *late, "-map", "0:v", "-map", "1:a", "-c", "copy", str(master))
    check(master, Kind("late.mkv", "", (256, 144), 1), tmp_path)


def test_left_and_right_in_streams_of_their_own_become_one_sound(tmp_path: Path):
    whole, master = clap(tmp_path / "whole.mov", "256x144", "null", "-ac", "2"), tmp_path / "cut.mov"
    sides = "[0:a]pan=stereo|FL=c0|FR=0*c0,channelsplit=channel_layout=stereo[l][r]"
    streams = ("-filter_complex", sides, "-map", "0:v", "-map", "[l]", "-map", "[r]")
    ffmpeg("-i", str(whole), *streams, "-c:v", "copy", "-c:a", "pcm_s16le", str(master))
    made = check(master, Kind("cut.mov", "", (256, 144), 2), tmp_path)
    assert right_lufs(made.folder / "index.m3u8") < -69, "the right side was silent"


def test_six_channels_in_streams_of_their_own_are_refused(tmp_path: Path):
    master = tmp_path / "six.mov"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=128x72:duration=2")
    six = ("-f", "lavfi", "-i", "anullsrc=cl=5.1:duration=2", "-filter_complex", "[1:a]channelsplit=channel_layout=5.1")
    ffmpeg(*picture, *six, "-map", "0:v", "-c:a", "pcm_s16le", str(master))
    with pytest.raises(MasterRefused, match=r"^six\.mov: its sound comes in 6 streams; deliver it in one"):
        probe(master)


def check(master: Path, kind: Kind, folder: Path) -> Package:
    """Duration, size, channels and sync of what becomes of a master."""
    made = package(inspect(Delivery(master)), folder / "workshop", lambda *_: None, preset="veryfast")
    index = made.folder / "index.m3u8"
    text = index.read_text(encoding="utf-8")
    width, height = kind.seen
    assert f"RESOLUTION={width}x{height}" in text
    assert re.findall(r'CHANNELS="(\d)"', text) == [str(kind.channels)][: kind.channels]
    assert made.duration_s == pytest.approx(2.4, abs=GREATEST_SHIFT_S)
    assert flash_s(index) == pytest.approx(flash_s(master), abs=GREATEST_SHIFT_S)
    if kind.beep and "anullsrc" not in kind.beep:
        shift_s = beep_s(index) - flash_s(index)
        assert shift_s == pytest.approx(beep_s(master) - flash_s(master), abs=GREATEST_SHIFT_S)
    return made


def hdr(transfer: str) -> tuple[str, ...]:
    """Options for a picture that says so of itself."""
    colours = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    return ("-vf", colours, "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le")


@pytest.mark.parametrize(("transfer", "name"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_hdr_is_refused(tmp_path: Path, transfer: str, name: str):
    master = draw(tmp_path / "hdr.mp4", "128x72", 2, *hdr(transfer), sound=None)
    with pytest.raises(MasterRefused, match=rf"^hdr\.mp4: its picture is HDR \({name}\); deliver the version in SDR"):
        probe(master)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_a_renamed_picture_is_refused(tmp_path: Path, name: str):
    picture, master = tmp_path / name, tmp_path / "film.mp4"
    codec = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p") if name.endswith("jpg") else ("-c:v", "gif", "-f", "gif")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=256x144", "-frames:v", "1", *codec, str(picture))
    picture.rename(master)
    with pytest.raises(MasterRefused, match=r"^film\.mp4: neither MP4, MOV nor Matroska$"):
        probe(master)


def test_a_picture_in_a_film_s_container_is_refused(tmp_path: Path):
    master = tmp_path / "film.mov"
    still = ("-f", "lavfi", "-i", "testsrc2=size=256x144:rate=1:duration=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    ffmpeg(*still, str(master))
    with pytest.raises(MasterRefused, match=r"^film\.mov: a JPEG picture, not a film$"):
        probe(master)
