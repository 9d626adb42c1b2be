"""A packaged film is published whole or not at all: what its playlists name is there, and all of it lasts as long."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from store.gateways.encode_picture import SEGMENT_S
from store.gateways.video_tools import PackagingFailed

TOLERANCE_S = 0.5


@dataclass(frozen=True)
class Package:
    """A verified folder, ready to be published: the heights of its renditions, the names of its sounds and subtitles.

    The film's own sound is called `audio`.
    """

    folder: Path
    duration_s: float
    heights: tuple[int, ...]
    sounds: tuple[str, ...]
    subtitles: tuple[str, ...]


def verify(folder: Path, expected_duration_s: float) -> Package:
    """Check that playlists are whole, the files they name there, and all last as long. Raises PackagingFailed."""
    heights, sounds, languages = [], [], []
    for name in _playlists(folder / "index.m3u8"):
        duration_s = _check_playlist(folder, name)
        kind, _, what = Path(name).parent.name.partition("-")
        if kind == "video":
            heights.append(int(what))
        if kind == "audio":
            sounds.append(what or kind)
        if kind == "subtitles":
            languages.append(what)
        elif abs(duration_s - expected_duration_s) > TOLERANCE_S:
            raise PackagingFailed(f"{name} lasts {duration_s:.1f} s instead of {expected_duration_s:.1f} s")
    if not heights:
        raise PackagingFailed("index.m3u8 names no picture")
    _check_dash(folder, expected_duration_s)
    _check_sprites(folder, expected_duration_s)
    _check_what_is_open(folder)
    unique = sorted(set(heights))
    return Package(folder, expected_duration_s, tuple(unique), tuple(sorted(sounds)), tuple(sorted(languages)))


def _playlists(index: Path) -> list[str]:
    """The media playlists that a multivariant playlist names."""
    lines = _lines(index)
    plain = [line for line in lines if line and not line.startswith("#")]
    named = [match[1] for line in lines if (match := re.match(r'#EXT-X-(?:MEDIA|I-FRAME).*URI="([^"]+)"', line))]
    return plain + named


def _check_playlist(folder: Path, name: str) -> float:
    """The seconds that a media playlist lasts, once each file that it names is found."""
    lines = _lines(_inside(folder, name))
    if "#EXT-X-ENDLIST" not in lines:
        raise PackagingFailed(f"{name} has no end")
    named = [line for line in lines if line and not line.startswith("#")]
    named += [match[1] for line in lines if (match := re.match(r'#EXT-X-MAP:URI="([^"]+)"', line))]
    for segment in named:
        if not _inside(folder, f"{Path(name).parent}/{segment}").stat().st_size:
            raise PackagingFailed(f"{name}: {segment} is empty")
    return sum(float(match[1]) for line in lines if (match := re.match(r"#EXTINF:([\d.]+)", line)))


def _check_dash(folder: Path, expected_duration_s: float) -> None:
    text = _inside(folder, "index.mpd").read_text(encoding="utf-8")
    duration = ElementTree.fromstring(text).get("mediaPresentationDuration", "")  # noqa: S314  # our own packager wrote it; expat since 2.4 bounds entities
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", duration)
    hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    if abs(hours * 3600 + minutes * 60 + seconds - expected_duration_s) > SEGMENT_S:
        raise PackagingFailed(f"index.mpd lasts {duration!r} instead of {expected_duration_s:.1f} s")
    for name in re.findall(r'initialization="([^"]+)"', text):
        _inside(folder, name)


def _check_sprites(folder: Path, expected_duration_s: float) -> None:
    """Every sheet is there, and their cues reach to the end of the film."""
    text = _inside(folder, "sprites/index.vtt").read_text(encoding="utf-8")
    for sheet in set(re.findall(r"^(\S+\.jpg)#", text, re.MULTILINE)):
        _inside(folder, f"sprites/{sheet}")
    ends = re.findall(r"--> (\d+):(\d\d):(\d\d\.\d{3})$", text, re.MULTILINE)
    hours, minutes, seconds = ends[-1] if ends else ("0", "0", "0")
    last_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if abs(last_s - expected_duration_s) > TOLERANCE_S:
        raise PackagingFailed(f"sprites/index.vtt ends at {last_s:.1f} s instead of {expected_duration_s:.1f} s")


def _check_what_is_open(folder: Path) -> None:
    for name in ("poster.jpg", "trailer.mp4"):
        file = folder / "libre" / name
        if (name == "poster.jpg" or file.exists()) and not _inside(folder, f"libre/{name}").stat().st_size:
            raise PackagingFailed(f"libre/{name} is empty")
    for name in _playlists(folder / "libre/test/index.m3u8"):
        _check_playlist(folder / "libre/test", name)


def _inside(folder: Path, name: str) -> Path:
    """A named file of the folder; raises PackagingFailed when it is missing or elsewhere."""
    if name.startswith("/") or ".." in name or ":" in name or not (folder / name).is_file():
        raise PackagingFailed(f"{name} is missing")
    return folder / name


def _lines(playlist: Path) -> list[str]:
    if not playlist.is_file():
        raise PackagingFailed(f"{playlist.name} is missing")
    return playlist.read_text(encoding="utf-8").splitlines()
