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
from store.gateways.webvtt import Subtitle
from store.media.delivery import Delivery, SoundFile
from store.media.package import inspect, package
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.playback.theatre import RECIPE, SLUG, holder
from tests.shop import Shop

DURATION_S = 24
GERMAN = "WEBVTT\n\n00:00.500 --> 00:23.500\nSchöne Grüße, „Füße“ und Ärger\n"
SPRITE = (160, 90)


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
    """A demo film as the shop makes it, its own sound a second time as a description of the picture."""
    german, master = folder.parent / "german.vtt", MASTERS / f"{SLUG}.mp4"
    german.parent.mkdir(parents=True)
    german.write_text(GERMAN, encoding="utf-8")
    texts = (Subtitle(language, MASTERS / f"{SLUG}.{language}.vtt") for language in ("fr", "en"))
    delivery = Delivery(master, (*texts, Subtitle("de", german)), (SoundFile("fr-ad", master),))
    workshop = folder.parent / "workshop"
    package(inspect(delivery), workshop, lambda *_: None, "ultrafast").folder.rename(folder)
    shutil.rmtree(workshop)
