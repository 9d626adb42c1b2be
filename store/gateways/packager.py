"""Shaka Packager: from encoded pictures, sounds and subtitles to CMAF segments, with HLS and DASH over the same ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from store.gateways.encode_picture import SEGMENT_S
from store.gateways.tracks import Track
from store.gateways.video_tools import packager

DEFAULT_LANGUAGE = "fr"
FOR_THE_BLIND = ("public.accessibility.describes-video",)
FOR_THE_DEAF = ("public.accessibility.transcribes-spoken-dialog", "public.accessibility.describes-music-and-sound")
"""As RFC 8216, 4.3.4.1, and Apple's HLS Authoring Specification name them."""


@dataclass(frozen=True)
class Encoded:
    """What lies ready to be cut: a file for each rendition's name, one for each sound, the film's own first.

    The subtitles' files lie in `subtitles/` of the folder that is cut into.
    """

    pictures: Mapping[str, Path]
    sounds: Mapping[Track, Path]
    subtitles: Sequence[Track]


def cut(encoded: Encoded, folder: Path, duration_s: float) -> None:
    """Cut everything into segments in `folder`, with the playlists beside them. Raises PackagingFailed."""
    own = next(iter(encoded.sounds), Track(DEFAULT_LANGUAGE))
    packager(
        *_pictures(encoded.pictures),
        *_sounds(encoded.sounds, own),
        *_subtitles(encoded.subtitles),
        *("--segment_duration", str(SEGMENT_S), "--fragment_duration", str(SEGMENT_S)),
        *("--default_language", own.language, "--default_text_language", DEFAULT_LANGUAGE),
        *("--hls_playlist_type", "VOD", "--generate_static_live_mpd"),
        *("--hls_master_playlist_output", "index.m3u8", "--mpd_output", "index.mpd"),
        folder=folder,
        longest_s=600 + duration_s,
    )


def _pictures(files: Mapping[str, Path]) -> list[str]:
    return [
        f"in={file},stream=video,{_segments(name)},"
        f"playlist_name={name}/index.m3u8,iframe_playlist_name={name}/iframes.m3u8"
        for name, file in files.items()
    ]


def _sounds(files: Mapping[Track, Path], own: Track) -> list[str]:
    descriptors = []
    for sound, file in files.items():
        name = "audio" if sound == own else f"audio-{sound.name}"
        descriptor = f"in={file},stream=audio,language={sound.language},{_segments(name)},"
        descriptor += f"playlist_name={name}/index.m3u8,hls_group_id=audio,hls_name={sound.label}"
        if sound.kind == "ad":
            descriptor += f",hls_characteristics={';'.join(FOR_THE_BLIND)},dash_roles=description"
            descriptor += ",dash_accessibilities=urn:tva:metadata:cs:AudioPurposeCS:2007=1"
        descriptors.append(descriptor)
    return descriptors


def _subtitles(subtitles: Sequence[Track]) -> list[str]:
    """HLS takes subtitles as plain WebVTT segments, DASH in MP4."""
    descriptors = []
    for subtitle in subtitles:
        name = f"subtitles-{subtitle.name}"
        source = f"in=subtitles/{subtitle.name}.vtt,stream=text,language={subtitle.language}"
        for_the_deaf = subtitle.kind == "sdh"
        characteristics = f",hls_characteristics={';'.join(FOR_THE_DEAF)}" if for_the_deaf else ""
        descriptors.append(
            f"{source},segment_template={name}/$Number%05d$.vtt,playlist_name={name}/index.m3u8,"
            f"hls_group_id=subtitles,hls_name={subtitle.label},hls_only=1{characteristics}"
        )
        roles = ",dash_roles=caption" if for_the_deaf else ""
        descriptors.append(f"{source},format=mp4,{_segments(name)},dash_only=1{roles}")
    return descriptors


def _segments(name: str) -> str:
    return f"init_segment={name}/init.mp4,segment_template={name}/$Number%05d$.m4s"
