"""A sound as long as the picture and as loud as every other film of the shop.

Loudness follows EBU R 128: −23 LUFS over the whole film, no true peak over −1 dBTP. One pass measures the sound as it will
be heard, in mono or stereo; another turns it up or down by one constant, so that quiet stays quieter than loud.
"""

import re
from functools import partial
from pathlib import Path

from store.gateways.master import Sound
from store.gateways.video_tools import PackagingFailed, Reached, ffmpeg, input_of

KBPS_PER_CHANNEL = 64
TARGET_LUFS, GREATEST_PEAK_DBTP = -23.0, -1.0
GREATEST_GAIN_DB = 20.0
"""More would only lift the noise of what is meant to be nearly silent."""

LIMITER = "aresample=192000,alimiter=limit=0.83:level=false:latency=true:attack=5:release=50,aresample=48000"
"""Holds true peaks, which lie between the samples, at -1.6 dBTP: encoding raises them a little again."""

_LOUDNESS = re.compile(r"\bI:\s+(-?[\d.]+|-?inf|nan) LUFS")
_PEAK = re.compile(r"\bPeak:\s+(-?[\d.]+|-?inf|nan) dBFS")


def encode_sound(sound: Sound, duration_s: float, target: Path, on_reached: Reached) -> None:
    """Encode a sound to AAC in MP4, `duration_s` long: gaps filled, padded with silence, cut. Raises PackagingFailed.

    `on_reached` hears how many seconds are measured, then how many are encoded.
    """
    cut = ("-t", f"{duration_s:.3f}")
    run = partial(_run, sound, duration_s, target.parent, on_reached)
    said = run(["ebur128=peak=true:framelog=quiet"], *cut, "-f", "null", "-", level="info")
    level = _level(sound, said)
    run([*level, "apad"], "-c:a", "aac", "-b:a", f"{KBPS_PER_CHANNEL * sound.channels}k", *cut, target.name)


def _run(
    sound: Sound,
    duration_s: float,
    folder: Path,
    on_reached: Reached,
    filters: list[str],
    *output: str,
    level: str = "error",
) -> str:
    return ffmpeg(
        *input_of(sound.path, sound.demuxer),
        *("-filter_complex", f"{_source(sound)}{','.join([*_shape(sound), *filters])}[sound]", "-map", "[sound]"),
        *output,
        folder=folder,
        longest_s=600 + duration_s,
        largest_bytes=round(16 * 1024**2 + duration_s * KBPS_PER_CHANNEL * 2 * 250),
        level=level,
        on_reached=on_reached,
    )


def _source(sound: Sound) -> str:
    if sound.right_stream is None:
        return f"[0:{sound.stream}]"
    return f"[0:{sound.stream}][0:{sound.right_stream}]join=inputs=2:channel_layout=stereo:map=0.0-FL|1.0-FR,"


def _shape(sound: Sound) -> list[str]:
    """At one rate, without gaps, in the channels that are encoded."""
    layout = "mono" if sound.channels == 1 else "stereo"
    return ["aresample=48000:async=1:first_pts=0", f"aformat=channel_layouts={layout}"]


def _level(sound: Sound, said: str) -> list[str]:
    """The filters that bring a sound to its loudness, by what the meter said of it."""
    loudness, peak = _LOUDNESS.findall(said), _PEAK.findall(said)
    if not loudness or not peak:
        raise PackagingFailed(f"{sound.path.name}: its loudness cannot be measured")
    gain_db = min(TARGET_LUFS - float(loudness[-1]), GREATEST_GAIN_DB)
    limiter = [LIMITER] if float(peak[-1]) + gain_db > GREATEST_PEAK_DBTP else []
    return [f"volume={gain_db:.2f}dB:precision=float", *limiter]
