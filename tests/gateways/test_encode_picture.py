"""A ladder never larger than its master, and chunks that join without a seam."""

import re
from pathlib import Path

import pytest

from store.gateways.encode_picture import Chunk, chunks, encode_chunk, join, ladder, timeline_of
from store.gateways.master import Probe, probe
from store.gateways.video_tools import MasterRefused
from tests.gateways.masters import PICTURE, draw, ffmpeg


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
    assert [(rendition.width, rendition.height) for rendition in ladder(width, height)] == expected


UNEVEN = "select='not(mod(n,7))+between(n,20,40)+eq(n,299)'"


@pytest.mark.parametrize(
    "options",
    [("-r", "25", "-g", "70"), ("-r", "24000/1001", "-g", "70"), ("-vf", UNEVEN, "-fps_mode", "vfr", "-bf", "2")],
    ids=["even", "american", "uneven"],
)
def test_chunks_that_are_joined_are_what_one_pass_gives(tmp_path: Path, options: tuple):
    master = probe(draw(tmp_path / "film.mkv", "128x72", 12, *options, sound=None))
    [whole], parts = chunks(master, 400), chunks(master, 4)
    assert len(parts) == 3
    assert sum(part.frames for part in parts) == whole.frames == master.frames
    one = encoded(master, whole, tmp_path)
    joined = tmp_path / "joined.mp4"
    join([encoded(master, part, tmp_path) for part in parts], joined, timeline_of(master))
    assert times_of(joined) == times_of(one)
    assert likeness_db(joined, one) > 30, "some picture is another one"


def encoded(master: Probe, chunk: Chunk, folder: Path) -> Path:
    place = folder / chunk.name
    place.mkdir()
    renditions = ladder(master.width, master.height)
    encode_chunk(master, renditions, chunk, place, "ultrafast", lambda _: None)
    return place / f"{renditions[0].name}.mp4"


def times_of(film: Path) -> list[str]:
    return re.findall(r"^0, +-?\d+, +(-?\d+)", ffmpeg("-i", str(film), "-map", "0:v", "-f", "framemd5", "-"), re.M)


def likeness_db(first: Path, second: Path) -> float:
    """Of the two pictures that differ most: neighbours in the film are at most 25 dB alike."""
    said = ffmpeg("-i", str(first), "-i", str(second), "-lavfi", "psnr=stats_file=-", "-f", "null", "-")
    return min(float(value) for value in re.findall(r"psnr_avg:([\d.]+|inf)", said))


def test_a_master_that_breaks_off_is_refused_when_it_is_noticed(tmp_path: Path):
    """Its index is whole; what it names in the middle of the film is not."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=12", *PICTURE)
    ffmpeg(*source, "-g", "25", "-movflags", "+faststart", str(tmp_path / "film.mp4"))
    master = probe(tmp_path / "film.mp4")
    content = bytearray(master.path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    master.path.write_bytes(content)
    with pytest.raises(MasterRefused, match=r"^film\.mp4: its picture breaks off after \d s of 12 s$"):
        encoded(master, chunks(master, 400)[0], tmp_path)


@pytest.mark.parametrize(
    ("name", "filters", "options"),
    [
        ("rgb.mkv", "format=gbrp", ("-c:v", "ffv1")),
        ("full-range.mp4", "format=gbrp,scale=out_color_matrix=bt709:out_range=pc,format=yuv420p", ()),
        (
            "unsaid.mkv",
            "format=gbrp,scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10,setparams=colorspace=unknown",
            ("-c:v", "ffv1"),
        ),
    ],
)
def test_colours_stay_what_they_are(tmp_path: Path, name: str, filters: str, options: tuple):
    """Seen through the smallest rendition, whose size would let a player guess another meaning than the master's."""
    orange = ("-f", "lavfi", "-i", "color=c=0xC86432:size=1280x720:rate=25:duration=1")
    ffmpeg(*orange, "-vf", filters, *options, str(tmp_path / name))
    master = probe(tmp_path / name)
    rendition = encoded(master, chunks(master, 400)[0], tmp_path)
    assert rendition.name == "video-240.mp4"
    pixel = tmp_path / "pixel.rgb"
    ffmpeg(
        "-i", str(rendition), "-frames:v", "1", "-vf", "scale=2:2", "-pix_fmt", "rgb24", "-f", "rawvideo", str(pixel)
    )
    assert [*pixel.read_bytes()[:3]] == pytest.approx([200, 100, 50], abs=4)
