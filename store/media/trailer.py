"""The trailer: one MP4 that a bare `<video>` plays, open to all."""

from functools import partial
from pathlib import Path

from store.gateways.encode_picture import LADDER, chunks, encode_chunk, ladder
from store.gateways.encode_sound import encode_sound
from store.gateways.master import Probe, probe, refusal
from store.gateways.video_tools import Reached, ffmpeg

LONGEST_S = 600.0
MOST_LINES = 720
HEAVIEST_BYTES = 1024**3


def probe_trailer(file: Path) -> Probe:
    """Look at a trailer. Raises MasterRefused."""
    probed = probe(file)
    if probed.duration_s > LONGEST_S:
        raise refusal(file, f"a trailer of {probed.duration_s:.0f} s; at most {LONGEST_S:.0f} s")
    return probed


def encode_trailer(trailer: Probe, preset: str, on_reached: Reached, folder: Path) -> None:
    """Encode a trailer to `trailer.mp4` in `folder`, its index in front. Raises MasterRefused, PackagingFailed."""
    rung = next(rung for rung in LADDER if rung.height == MOST_LINES)
    renditions = ladder(trailer.width, trailer.height, [rung])
    [whole] = chunks(trailer, LONGEST_S)
    encode_chunk(trailer, renditions, whole, folder, preset, on_reached)
    picture, sound = folder / f"{renditions[0].name}.mp4", folder / "sound.mp4"
    if trailer.sound:
        encode_sound(trailer.sound, trailer.duration_s, sound, on_reached)
    sources = [file.name for file in (picture, sound) if file.exists()]
    run = partial(ffmpeg, folder=folder, longest_s=600, largest_bytes=HEAVIEST_BYTES)
    run(*(word for name in sources for word in ("-i", name)), "-c", "copy", "-movflags", "+faststart", "trailer.mp4")
    for name in sources:
        (folder / name).unlink()
