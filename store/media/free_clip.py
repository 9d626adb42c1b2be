"""The test clip: a film's first seconds, open to all, by which a visitor sees that the film would play on this device.

It is cut from the packaged film without encoding: the same renditions, sounds and subtitles, a few segments of each.
"""

import re
import shutil
from pathlib import Path

LONGEST_S = 30.0
GREATEST_SHARE = 0.1
"""Of a short film: what is open to all must not be the film."""


def cut_free_clip(package: Path, duration_s: float, target: Path) -> None:
    """Copy the first segments of every stream of a packaged film to `target`, under playlists of their own."""
    until_s = min(LONGEST_S, duration_s * GREATEST_SHARE)
    target.mkdir(parents=True)
    index = [line for line in _lines(package / "index.m3u8") if not line.startswith("#EXT-X-I-FRAME-STREAM-INF")]
    _write(target / "index.m3u8", index)
    for name in re.findall(r'^(?:#EXT-X-MEDIA:.*URI="([^"]+)".*|([^#\s].*))$', "\n".join(index), re.MULTILINE):
        playlist = Path("".join(name))
        (target / playlist.parent).mkdir(exist_ok=True)
        shorter = _first_segments(_lines(package / playlist), until_s)
        _write(target / playlist, shorter)
        for file in _named(shorter):
            shutil.copyfile(package / playlist.parent / file, target / playlist.parent / file)


def _first_segments(playlist: list[str], until_s: float) -> list[str]:
    """A media playlist up to the segment that `until_s` lies in."""
    kept, reached_s = [], 0.0
    for line in playlist:
        if line.startswith("#EXTINF:"):
            if reached_s >= until_s:
                break
            reached_s += float(line.removeprefix("#EXTINF:").split(",")[0])
        if line != "#EXT-X-ENDLIST":
            kept.append(line)
    return [*kept, "#EXT-X-ENDLIST"]


def _named(playlist: list[str]) -> list[str]:
    initial = [match[1] for line in playlist if (match := re.match(r'#EXT-X-MAP:URI="([^"]+)"', line))]
    return initial + [line for line in playlist if line and not line.startswith("#")]


def _lines(playlist: Path) -> list[str]:
    return playlist.read_text(encoding="utf-8").splitlines()


def _write(playlist: Path, lines: list[str]) -> None:
    playlist.write_text("\n".join(lines) + "\n", encoding="utf-8")
