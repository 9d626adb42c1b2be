"""Every film is as loud as the others, and no sample is cut off for it."""

from pathlib import Path

import pytest

from store.gateways.encode_sound import TARGET_LUFS, encode_sound
from store.gateways.master import probe_sound
from tests.gateways.masters import ffmpeg, loudness_lufs

NOISE = "anoisesrc=color=pink:seed=1:duration=6:sample_rate=48000"
CLAPS = "aevalsrc=0.02*sin(2000*t)+0.7*sin(9000*t)*lt(mod(t\\,2)\\,0.01):duration=6:sample_rate=48000"


def encoded(tmp_path: Path, source: str, *options: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *options, str(tmp_path / "sound.wav"))
    encode_sound(probe_sound(tmp_path / "sound.wav"), 6.0, tmp_path / "sound.mp4", lambda _: None)
    return tmp_path / "sound.mp4"


@pytest.mark.parametrize("gain", ["-18dB", "-1dB"])
@pytest.mark.parametrize("channels", ["1", "2"])
def test_loud_and_quiet_become_as_loud(tmp_path: Path, gain: str, channels: str):
    made = encoded(tmp_path, f"{NOISE},volume={gain}", "-ac", channels)
    assert loudness_lufs(made) == pytest.approx(TARGET_LUFS, abs=0.7)


def test_peaks_are_held_where_quiet_is_turned_up(tmp_path: Path):
    made = encoded(tmp_path, CLAPS)
    peak = ffmpeg("-i", str(made), "-af", "ebur128=peak=true:metadata=1,ametadata=print:file=-", "-f", "null", "-")
    highest = max(float(line.split("=")[1]) for line in peak.splitlines() if "true_peaks_ch0" in line)
    assert highest <= 10 ** (-1 / 20)


def test_silence_stays_silent(tmp_path: Path):
    assert loudness_lufs(encoded(tmp_path, "anullsrc=cl=stereo:duration=6")) <= -69


def test_a_sound_is_as_long_as_the_picture(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=3", str(tmp_path / "short.wav"))
    encode_sound(probe_sound(tmp_path / "short.wav"), 5.0, tmp_path / "sound.mp4", lambda _: None)
    assert probe_sound(tmp_path / "sound.mp4").duration_s == pytest.approx(5, abs=0.05)
