"""A shop that listens, with a film packaged for these tests: three languages of subtitles, two sounds, small pictures."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import update
from waitress import create_server

from store import create_app
from store.catalogue.models import Film
from store.db import db, transaction
from store.demo.seed import MASTERS
from store.gateways.foreign_program import start
from store.gateways.packager import SEGMENT_S, package, tool
from store.gateways.webvtt import Subtitle
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.playback.theatre import RECIPE, SLUG, holder
from tests.shop import Shop

DURATION_S = 24
GERMAN = "WEBVTT\n\n00:00.500 --> 00:23.500\nSchöne Grüße, „Füße“ und Ärger\n"
SPRITE = (160, 90)
SPRITES_PER_ROW = 5


@contextmanager
def open_cinema(folder: Path, database_url: str) -> Iterator[Flask]:
    """The shop at `SHOP_URL`, where `jeanne@example.org` bought the film."""
    port = free_port()
    app = create_app(settings_for(folder, database_url, SHOP_URL=f"http://127.0.0.1:{port}"))
    package_film(Path(app.config["MEDIA_URL"]) / SLUG / RECIPE)
    holder(app, Shop(app), "purchase")
    with app.app_context(), transaction() as session:
        session.execute(update(Film).values(title="La Sociale"))
    server = create_server(app, host="127.0.0.1", port=port, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield app
    server.close()
    thread.join(timeout=10)
    with app.app_context():
        db.engine.dispose()


def package_film(folder: Path) -> None:
    """A demo film from its master, by the shop's own packager."""
    german = folder.parent / "german.vtt"
    german.parent.mkdir(parents=True)
    german.write_text(GERMAN, encoding="utf-8")
    texts = [Subtitle(language, MASTERS / f"{SLUG}.{language}.vtt") for language in ("fr", "en")]
    package(MASTERS / f"{SLUG}.mp4", [*texts, Subtitle("de", german)], folder, lambda *_: None, "ultrafast")
    add_description(folder)
    add_sprites(folder)


def add_description(folder: Path) -> None:
    """A second sound, by name a description of the picture."""
    shutil.copytree(folder / "audio", folder / "audio-fr-ad")
    index = folder / "index.m3u8"
    own = next(line for line in index.read_text().splitlines() if "TYPE=AUDIO" in line)
    own_french = own.replace('NAME="Son"', 'NAME="Français",LANGUAGE="fr"')
    described = own_french.replace("audio/", "audio-fr-ad/").replace('"Français"', '"Français, audiodescription"')
    described += ',CHARACTERISTICS="public.accessibility.describes-video"'
    index.write_text(index.read_text().replace(own, f"{own_french}\n{described}"))


def add_sprites(folder: Path) -> None:
    """A small picture for each segment, all on one sheet."""
    (folder / "sprites").mkdir()
    width, height = SPRITE
    graph = f"fps=1/{SEGMENT_S}:round=up:start_time=0,scale={width}:{height},tile={SPRITES_PER_ROW}x{SPRITES_PER_ROW}"
    command = [tool("ffmpeg"), "-nostdin", "-v", "error", "-i", f"{MASTERS / SLUG}.mp4", "-vf", graph]
    with start([*command, "-frames:v", "1", "sprites/00001.jpg"], folder, 60, 10**7) as program:
        program.lines.read()
        program.check()
    cues = ["WEBVTT"]
    for number in range(DURATION_S // SEGMENT_S):
        row, column = divmod(number, SPRITES_PER_ROW)
        times = f"00:00:{number * SEGMENT_S:02}.000 --> 00:00:{(number + 1) * SEGMENT_S:02}.000"
        cues.append(f"{times}\n00001.jpg#xywh={column * width},{row * height},{width},{height}")
    (folder / "sprites" / "index.vtt").write_text("\n\n".join(cues) + "\n")
