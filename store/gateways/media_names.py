"""What the files of a packaged film are called, what they are, and who may keep them: the same wherever they lie."""

import re
from pathlib import PurePosixPath

PLAYLIST_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml"}
PIECE_TYPES = {".mp4": "video/mp4", ".m4s": "video/mp4", ".vtt": "text/vtt; charset=utf-8", ".jpg": "image/jpeg"}
MEDIA_TYPES = PLAYLIST_TYPES | PIECE_TYPES

NOBODY_KEEPS = "no-store"
VIEWER_KEEPS = "private, max-age=600, immutable"
"""The viewer's browser may keep it, nobody between it and us may: the address holds the viewer's token."""

EVERYBODY_KEEPS = "public, max-age=31536000, immutable"
"""What is open to all, at an address that names the version."""

LONGEST_NAME = 200

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RECIPE = re.compile(r"[0-9a-f]{16,64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class NotThere(LookupError):
    """The store holds no such file, or the address leads out of the film's folder."""


def film_name(text: str) -> str:
    """The text, if it can be a film's slug; else NotThere."""
    return _checked(_SLUG, text)


def version_name(film: str, recipe: str) -> str:
    """`<film>/<recipe>`, if both can be such; else NotThere."""
    return f"{film_name(film)}/{_checked(_RECIPE, recipe)}"


def file_name(film: str, recipe: str, name: str) -> str:
    """`<film>/<recipe>/<name>`, if that leads to no other place; else NotThere. No part of a name begins with a dot."""
    if len(name) > LONGEST_NAME or not all(_NAME.fullmatch(part) for part in name.split("/")):
        raise NotThere(f"{film[:LONGEST_NAME]}: {name[:LONGEST_NAME]!r}")
    return f"{version_name(film, recipe)}/{name}"


def media_type(name: str) -> str | None:
    """The content type of a film's file, None for what the packager does not make."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix)


def cache_rule(name: str) -> str:
    """The Cache-Control of a film's file behind a token: playlists are asked for again with each token."""
    return NOBODY_KEEPS if PurePosixPath(name).suffix in PLAYLIST_TYPES else VIEWER_KEEPS


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if len(text) > LONGEST_NAME or not pattern.fullmatch(text):
        raise NotThere(repr(text[:LONGEST_NAME]))
    return text
