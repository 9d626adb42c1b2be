"""The picture of a master, as a ladder of renditions: one pass of ffmpeg makes all of them, or one pass for each chunk.

Groups of pictures are closed and as long as a segment, so that Shaka Packager only has to cut. A chunk begins where such
a group does and holds a number of pictures that is known beforehand: chunks that are joined are what one pass gives.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from store.gateways.master import Probe, even, refusal
from store.gateways.video_tools import Reached, ffmpeg, input_of

SEGMENT_S = 4
TOLERANCE_S = 0.5


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: the box that its pictures fit in, x264's quality (less is better), the most they weigh."""

    width: int
    height: int
    crf: int
    most_kbps: int


LADDER = (Rung(426, 240, 25, 450), Rung(854, 480, 24, 1300), Rung(1280, 720, 23, 2800), Rung(1920, 1080, 22, 5000))


@dataclass(frozen=True)
class Rendition:
    """A size that the picture is encoded in."""

    width: int
    height: int
    rung: Rung

    @property
    def name(self) -> str:
        """Of its folder, and of its file before it is cut."""
        return f"video-{self.height}"


@dataclass(frozen=True)
class Chunk:
    """Pictures in a row, from number `first` on."""

    first: int
    frames: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"chunk-{self.first:08}-{self.frames}"


def ladder(width: int, height: int, rungs: Sequence[Rung] = LADDER) -> list[Rendition]:
    """The renditions of a master, smallest first; none is larger than the master."""
    renditions: dict[int, Rendition] = {}
    for rung in rungs:
        scale = min(1.0, rung.width / width, rung.height / height)
        lines = even(height * scale)
        renditions.setdefault(lines, Rendition(even(width * scale), lines, rung))
    return list(renditions.values())


def group_of(probed: Probe) -> int:
    """How many pictures a segment holds."""
    return math.ceil(SEGMENT_S * probed.fps)


def chunks(probed: Probe, lasting_s: float) -> list[Chunk]:
    """The master's pictures in chunks of whole segments, about so long; the last takes what would be less than half of one.

    Each costs a seek and x264's look ahead anew; a killed encode loses at most one.
    """
    frames, group = probed.frames, group_of(probed)
    most = max(1, round(lasting_s / SEGMENT_S)) * group
    begins = [number * most for number in range(max(1, round(frames / most)))]
    return [Chunk(first, ends - first) for first, ends in pairwise([*begins, frames])]


def encode_chunk(
    probed: Probe, renditions: Sequence[Rendition], chunk: Chunk, folder: Path, preset: str, on_reached: Reached
) -> None:
    """Encode a chunk into `folder`, a file for each rendition; `on_reached` hears how many of its seconds are done.

    `preset` is x264's: speed against size. Raises MasterRefused when the master has fewer pictures than it announced, and
    PackagingFailed.
    """
    lasts_s = float(chunk.frames / probed.fps)
    reached: list[float] = [0.0]

    def note(reached_s: float) -> None:
        reached[0] = min(lasts_s, reached_s)
        on_reached(reached[0])

    ffmpeg(
        *_from(probed, chunk),
        *_outputs(probed, renditions, chunk, preset),
        folder=folder,
        longest_s=600 + 30 * lasts_s,
        largest_bytes=round(64 * 1024**2 + lasts_s * LADDER[-1].most_kbps * 250),
        on_reached=note,
    )
    if reached[0] < lasts_s - TOLERANCE_S:
        breaks_off_s = float(chunk.first / probed.fps) + reached[0]
        raise refusal(probed.path, f"its picture breaks off after {breaks_off_s:.0f} s of {probed.duration_s:.0f} s")


def join(pieces: Sequence[Path], target: Path, timeline: int) -> None:
    """One file of the same pictures from those of chunks, without encoding. Raises PackagingFailed."""
    script = target.with_suffix(".txt")
    script.write_text("ffconcat version 1.0\n" + "".join(f"file '{piece}'\n" for piece in pieces), encoding="utf-8")
    source = ("-f", "concat", "-safe", "0", "-protocol_whitelist", "file", "-i", script.name)
    copied = ("-c", "copy", "-video_track_timescale", str(timeline), target.name)
    largest_bytes = sum(piece.stat().st_size for piece in pieces) * 2
    ffmpeg(*source, *copied, folder=target.parent, longest_s=3600, largest_bytes=largest_bytes)
    script.unlink()


def timeline_of(probed: Probe) -> int:
    """Ticks in a second in which every picture begins at a whole one."""
    return probed.fps.numerator * (1 if probed.fps.denominator > 1 else 512)


def _from(probed: Probe, chunk: Chunk) -> list[str]:
    """The master, from the keyframe before the chunk on; its first picture may have begun to be shown before."""
    at_s = float(chunk.first / probed.fps)
    return [
        *(("-ss", f"{at_s:.6f}", "-noaccurate_seek") if chunk.first else ()),
        *input_of(probed.path, probed.demuxer),
    ]


def _outputs(probed: Probe, renditions: Sequence[Rendition], chunk: Chunk, preset: str) -> list[str]:
    group, timeline = str(group_of(probed)), str(timeline_of(probed))
    outputs = ["-filter_complex", _graph(probed, renditions)]
    for rendition in renditions:
        rung = rendition.rung
        outputs += ["-map", f"[{rendition.name}]", "-c:v", "libx264", "-preset", preset, "-profile:v", "high"]
        outputs += ["-crf", str(rung.crf), "-maxrate", f"{rung.most_kbps}k", "-bufsize", f"{2 * rung.most_kbps}k"]
        outputs += ["-g", group, "-keyint_min", group, "-sc_threshold", "0", "-flags", "+cgop"]
        outputs += ["-frames:v", str(chunk.frames), "-video_track_timescale", timeline, f"{rendition.name}.mp4"]
    return outputs


def _graph(probed: Probe, renditions: Sequence[Rendition]) -> str:
    """The picture at its constant rate, then in each size; what it does not say of its colours is said for it."""
    colours = probed.colours
    first = [f"[0:{probed.picture_stream}]"]
    first += [f"setparams=colorspace={colours.space},"] if not colours.is_said else []
    first += ["bwdif=mode=send_frame,"] if probed.interlaced else []
    first += [f"fps={probed.fps}:start_time=0,split={len(renditions)}"]
    first += [f"[s{rendition.height}]" for rendition in renditions]
    sizes = (
        f"[s{one.height}]scale={one.width}:{one.height}:flags=lanczos:out_range=tv:out_color_matrix={colours.space},"
        f"setsar=1,format=yuv420p,setparams=color_primaries={colours.primaries}:color_trc={colours.transfer}[{one.name}]"
        for one in renditions
    )
    return ";".join(["".join(first), *sizes])
