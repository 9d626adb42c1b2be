"""Masters for tests, made on the spot from ffmpeg's own test pictures, and what is seen and heard in films."""

import re
import subprocess
from pathlib import Path

from store.gateways.video_tools import tool

PICTURE = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
TONE = "sine=frequency=300:sample_rate=48000"
BEEP = "aevalsrc=0.4*sin(6000*t)*between(t\\,1\\,1.4):sample_rate=48000"


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg, quietly; returns what it says on its standard output."""
    command = [tool("ffmpeg"), "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def draw(path: Path, size: str = "1280x720", seconds: float = 9, *options: str, sound: str | None = TONE) -> Path:
    """A film of coloured bars and a tone; `options` are ffmpeg's, for what is to be odd about it."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}"]
    if sound:
        source += ["-f", "lavfi", "-i", f"{sound}:duration={seconds}"]
    ffmpeg(*source, *PICTURE, *(["-c:a", "aac"] if sound else []), *options, str(path))
    return path


def clap(path: Path, size: str, filters: str = "null", *options: str, beep: str | None = BEEP) -> Path:
    """A dark film of 2.4 s with a flash and a beep from 1 s to 1.4 s, as of a clapperboard."""
    flash = f"drawbox=t=fill:c=white:enable='between(t,0.999,1.399)',{filters}"
    source = ["-f", "lavfi", "-i", f"color=c=black:size={size}:rate=25:duration=2.4"]
    if beep:
        source += ["-f", "lavfi", "-i", f"{beep}:duration=2.4"]
    ffmpeg(*source, "-vf", flash, *PICTURE, *(["-c:a", "aac"] if beep else []), *options, str(path))
    return path


def flash_s(film: Path) -> float:
    """When the picture becomes bright."""
    meter = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-"
    said = ffmpeg(*_of(film), "-map", "0:v:0", "-vf", meter, "-f", "null", "-")
    frames = re.findall(r"pts_time:(-?[\d.]+)\n\S+YAVG=([\d.]+)", said)
    return next(float(at_s) for at_s, brightness in frames if float(brightness) > 100)


def beep_s(film: Path) -> float:
    """When the sound becomes loud."""
    meter = "asetnsamples=96,astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-"
    said = ffmpeg(*_of(film), "-map", "0:a:0", "-af", meter, "-f", "null", "-")
    pieces = re.findall(r"pts_time:(-?[\d.]+)\n\S+Peak_level=(\S+)", said)
    loudest = max(float(level) for _, level in pieces)
    return next(float(at_s) for at_s, level in pieces if float(level) > loudest - 12)


def right_lufs(film: Path) -> float:
    """Loudness of the right side alone."""
    return loudness_lufs(film, "pan=mono|c0=c1,")


def loudness_lufs(film: Path, filters: str = "") -> float:
    """EBU R 128's integrated loudness, by ffmpeg's meter."""
    meter = f"{filters}ebur128=metadata=1,ametadata=print:key=lavfi.r128.I:file=-"
    said = ffmpeg(*_of(film), "-map", "0:a:0", "-af", meter, "-f", "null", "-")
    return float(re.findall(r"lavfi\.r128\.I=(\S+)", said)[-1])


def _of(film: Path) -> list[str]:
    """The film as input, with its own time stamps: otherwise a sound that is read alone begins at 0 in any case."""
    return ["-copyts", *(("-allowed_extensions", "ALL") if film.suffix == ".m3u8" else ()), "-i", str(film)]
