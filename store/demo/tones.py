"""The sound of the demo films: a bass, a plucked pattern and a soft tick, one tune per film."""

from random import Random

import numpy as np

SAMPLE_RATE = 16_000
BEAT_S = 0.64
PEAK = 0.3
FADE_S = 1.2

MINOR, MAJOR = (0, 3, 5, 7, 10), (0, 2, 4, 7, 9)
PROGRESSIONS = ((0, 0, 5, 7), (0, -3, -5, -7), (0, 5, -2, 0), (0, 7, -3, 5))


def tune(dice: Random, duration_s: float) -> np.ndarray:
    """A tune of this length: samples as 16-bit integers, one channel."""
    scale, roots = dice.choice((MINOR, MAJOR)), dice.choice(PROGRESSIONS)
    base = dice.choice((45, 47, 48, 50))
    pattern = [dice.choice((None, 0, 1, 2, 3, 4, 4, 2)) for _ in range(8)]
    sound = np.zeros(round(duration_s * SAMPLE_RATE), dtype=np.float64)
    for beat in range(int(duration_s / BEAT_S)):
        at_s, root = beat * BEAT_S, base + roots[beat // 4 % len(roots)]
        _add(sound, at_s, _tone(1200, 0.05, 0.012) * 0.08)
        if beat % 2 == 0:
            _add(sound, at_s, _tone(_pitch(root - 12), 1.2, 0.5) * 0.8)
        for half in range(2):
            degree = pattern[(beat * 2 + half) % 8]
            if degree is not None:
                _add(sound, at_s + half * BEAT_S / 2, _tone(_pitch(root + 12 + scale[degree]), 0.9, 0.22) * 0.5)
    return _finished(sound)


def _tone(frequency: float, length_s: float, decay_s: float) -> np.ndarray:
    """A struck note: its fundamental and a little of the octave, with a soft beginning."""
    time_s = np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sin(2 * np.pi * frequency * time_s) + 0.25 * np.sin(4 * np.pi * frequency * time_s)
    release = np.minimum(1, (length_s - time_s) / 0.02)
    return wave * np.exp(-time_s / decay_s) * np.minimum(1, time_s / 0.006) * release


def _add(sound: np.ndarray, at_s: float, note: np.ndarray) -> None:
    start = round(at_s * SAMPLE_RATE)
    piece = sound[start : start + len(note)]
    piece += note[: len(piece)]


def _finished(sound: np.ndarray) -> np.ndarray:
    """Never loud, and silent at both ends."""
    fade = round(FADE_S * SAMPLE_RATE)
    ramp = np.linspace(0, 1, fade)
    sound[:fade] *= ramp
    sound[-fade:] *= ramp[::-1]
    return (sound / np.abs(sound).max() * PEAK * 32767).astype("<i2")


def _pitch(note: float) -> float:
    """The frequency of a MIDI note, in hertz."""
    return 440 * 2 ** ((note - 69) / 12)
