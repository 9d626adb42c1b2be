"""From a delivery to a verified folder: every step of the making, none of the publishing.

Sounds, chunks of the picture and the trailer are pieces that outlive a killed run; cutting them takes seconds and begins anew.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from store.gateways.encode_picture import (
    Chunk,
    Rendition,
    chunks,
    encode_chunk,
    group_of,
    join,
    ladder,
    timeline_of,
)
from store.gateways.encode_sound import encode_sound
from store.gateways.master import Probe, Sound, probe, probe_sound, refusal
from store.gateways.packager import DEFAULT_LANGUAGE, Encoded, cut
from store.gateways.stills import Keyframes, draw_poster, draw_sprites
from store.gateways.tracks import Track, UnknownTrack, track
from store.gateways.verify_package import Package, verify
from store.gateways.video_tools import MasterRefused, PackagingFailed, Reached
from store.gateways.webvtt import Subtitle, SubtitlesRefused, rewrite
from store.media.delivery import Delivery, SoundFile
from store.media.free_clip import cut_free_clip
from store.media.pieces import made_once
from store.media.trailer import encode_trailer, probe_trailer

BEGINS = {"probe": 0.0, "sound": 0.0, "encode": 0.03, "trailer": 0.93, "package": 0.95, "verify": 0.99}
"""At which fraction of the whole each step begins."""

ENCODE_SHARE = BEGINS["trailer"] - BEGINS["encode"]
PRESET = "medium"
CHUNK_S = 120.0

MOST_APART_S, MOST_APART_SHARE = 2.0, 0.02
"""How much shorter or longer than the picture a further sound may be."""

Progress = Callable[[str, float], None]
"""Hears the step and the fraction of the whole that is done; what it raises stops everything."""


@dataclass(frozen=True)
class Footage:
    """A delivery that was looked at and can be used. The film's own sound is the first of `sounds`."""

    picture: Probe
    sounds: Mapping[Track, Sound]
    subtitles: Mapping[Track, str]
    trailer: Probe | None
    trailer_subtitles: Mapping[Track, str]


def inspect(delivery: Delivery) -> Footage:
    """Look at everything, before hours are spent on any of it. Raises MasterRefused, SubtitlesRefused."""
    picture = probe(delivery.master)
    trailer = probe_trailer(delivery.trailer) if delivery.trailer else None
    return Footage(
        picture=picture,
        sounds=_sounds(picture, delivery),
        subtitles=_subtitles(delivery.subtitles, picture.duration_s),
        trailer=trailer,
        trailer_subtitles=_subtitles(delivery.trailer_subtitles, trailer.duration_s) if trailer else {},
    )


def package(
    footage: Footage,
    workshop: Path,
    on_progress: Progress,
    preset: str = PRESET,
    chunk_s: float = CHUNK_S,
) -> Package:
    """Make the film in `workshop`, in the folder `film` of it, going on with the pieces that an earlier run left there.

    `preset` is x264's: speed against size. `chunk_s` is about how many seconds a killed encode loses at most. Raises
    MasterRefused when the files turn out to be less than they said, and
    PackagingFailed.
    """
    pieces, film = workshop / "pieces", workshop / "film"
    shutil.rmtree(film, ignore_errors=True)
    film.mkdir(parents=True)
    sounds = _encode_sounds(footage, pieces, on_progress)
    pictures = _encode_picture(footage.picture, pieces, preset, chunk_s, on_progress)
    trailer = _encode_trailer(footage.trailer, pieces, preset, on_progress)
    on_progress("package", BEGINS["package"])
    _write_subtitles(footage.subtitles, film / "subtitles")
    cut(Encoded(pictures, sounds, list(footage.subtitles)), film, footage.picture.duration_s)
    _draw_stills(footage.picture, pictures, film)
    _add_open_pieces(trailer, footage, film)
    on_progress("verify", BEGINS["verify"])
    made = _verified(film, footage.picture.duration_s, pieces)
    on_progress("verify", 1.0)
    return made


def _sounds(picture: Probe, delivery: Delivery) -> dict[Track, Sound]:
    sounds: dict[Track, Sound] = {}
    if picture.sound:
        own = _track(delivery.language or picture.sound.language or DEFAULT_LANGUAGE, delivery.master)
        sounds[own] = picture.sound
    for further in delivery.sounds:
        name = _track(further.name, further.path)
        if name in sounds or not sounds:
            raise refusal(
                further.path, f"a sound {further.name!r} is there already" if sounds else "the film is silent"
            )
        sounds[name] = _further_sound(further, picture.duration_s)
    return sounds


def _further_sound(further: SoundFile, film_s: float) -> Sound:
    sound = probe_sound(further.path, further.number)
    if abs(sound.duration_s - film_s) > max(MOST_APART_S, MOST_APART_SHARE * film_s):
        lasts = f"{sound.duration_s:.0f} s long, and the film {film_s:.0f} s"
        raise refusal(further.path, f"the sound of another film? It is {lasts}")
    return sound


def _track(name: str, file: Path) -> Track:
    try:
        return track(name)
    except UnknownTrack as unknown:
        raise refusal(file, str(unknown)) from None


def _subtitles(subtitles: tuple[Subtitle, ...], until_s: float) -> dict[Track, str]:
    """The texts as plain WebVTT."""
    texts: dict[Track, str] = {}
    for subtitle in sorted(subtitles, key=lambda one: one.name):
        try:
            name = track(subtitle.name)
        except UnknownTrack as unknown:
            raise SubtitlesRefused(str(unknown)) from None
        if name in texts:
            raise SubtitlesRefused(f"subtitles in {subtitle.name} are given twice")
        texts[name] = rewrite(subtitle, until_s)
    return texts


def _encode_sounds(footage: Footage, pieces: Path, on_progress: Progress) -> dict[Track, Path]:
    files: dict[Track, Path] = {}
    for name, sound in footage.sounds.items():
        on_progress("sound", BEGINS["sound"])

        def make(folder: Path, sound: Sound = sound) -> None:
            encode_sound(sound, footage.picture.duration_s, folder / "sound.mp4", _still(on_progress, "sound"))

        files[name] = made_once(pieces / f"sound-{name.name}", make) / "sound.mp4"
    return files


def _encode_picture(
    picture: Probe, pieces: Path, preset: str, chunk_s: float, on_progress: Progress
) -> dict[str, Path]:
    """A file of the whole film for each rendition, smallest first, from chunks that are made one after the other."""
    renditions = ladder(picture.width, picture.height)

    def whole(folder: Path) -> None:
        parts = [
            made_once(
                pieces / chunk.name,
                partial(_encode_chunk, picture, renditions, chunk, preset, on_progress),
            )
            for chunk in chunks(picture, chunk_s)
        ]
        for rendition in renditions:
            files = [part / f"{rendition.name}.mp4" for part in parts]
            join(files, folder / f"{rendition.name}.mp4", timeline_of(picture))

    made = made_once(pieces / "picture", whole)
    for chunk in pieces.glob("chunk-*"):
        shutil.rmtree(chunk)
    return {rendition.name: made / f"{rendition.name}.mp4" for rendition in renditions}


def _encode_chunk(
    picture: Probe, renditions: list[Rendition], chunk: Chunk, preset: str, on_progress: Progress, folder: Path
) -> None:
    def on_reached(reached_s: float) -> None:
        done = (chunk.first / picture.fps + reached_s) / picture.duration_s
        on_progress("encode", BEGINS["encode"] + ENCODE_SHARE * min(1.0, done))

    on_reached(0.0)
    encode_chunk(picture, renditions, chunk, folder, preset, on_reached)


def _encode_trailer(trailer: Probe | None, pieces: Path, preset: str, on_progress: Progress) -> Path | None:
    if trailer is None:
        return None
    make = partial(encode_trailer, trailer, preset, _still(on_progress, "trailer"))
    return made_once(pieces / "trailer", make) / "trailer.mp4"


def _still(on_progress: Progress, step: str) -> Reached:
    """Tells that a step goes on; it is too short for a fraction of its own."""
    return lambda _: on_progress(step, BEGINS[step])


def _write_subtitles(texts: Mapping[Track, str], folder: Path) -> None:
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name.name}.vtt").write_text(text, encoding="utf-8")


def _draw_stills(picture: Probe, pictures: Mapping[str, Path], film: Path) -> None:
    files = list(pictures.values())
    keyframes = Keyframes(picture.frames, group_of(picture), picture.fps)
    smallest = ladder(picture.width, picture.height)[0]
    draw_sprites(files[0], (smallest.width, smallest.height), keyframes, film / "sprites")
    (film / "libre").mkdir()
    draw_poster(files[-1], keyframes, film / "libre/poster.jpg")


def _add_open_pieces(trailer: Path | None, footage: Footage, film: Path) -> None:
    if trailer:
        shutil.copyfile(trailer, film / "libre/trailer.mp4")
    for name, text in footage.trailer_subtitles.items():
        (film / f"libre/trailer.{name.name}.vtt").write_text(text, encoding="utf-8")
    cut_free_clip(film, footage.picture.duration_s, film / "libre/test")


def _verified(film: Path, duration_s: float, pieces: Path) -> Package:
    """The verified film. What is not whole is no better the next time: its pieces go too."""
    try:
        return verify(film, duration_s)
    except (MasterRefused, PackagingFailed):
        shutil.rmtree(pieces)
        raise
