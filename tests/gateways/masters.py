"""Masters for tests, made on the spot from ffmpeg's own test pictures."""

import subprocess
from pathlib import Path

from store.gateways.packager import tool

PICTURE = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
TONE = "sine=frequency=300:sample_rate=48000"


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg, quietly."""
    subprocess.run([tool("ffmpeg"), "-nostdin", "-v", "error", "-y", *arguments], check=True)


def draw(path: Path, size: str = "1280x720", seconds: int = 9, *options: str, sound: str | None = TONE) -> Path:
    """A film of coloured bars and a tone; `options` are ffmpeg's, for what is to be odd about it."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}"]
    if sound:
        source += ["-f", "lavfi", "-i", f"{sound}:duration={seconds}"]
    ffmpeg(*source, *PICTURE, *(["-c:a", "aac"] if sound else []), *options, str(path))
    return path
