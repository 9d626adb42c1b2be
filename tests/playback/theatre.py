"""What the tests of playing share: people who hold films, and starting them."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from store.db import db, transaction
from store.playback.authorise import Rules, Start, authorise
from store.playback.leases import Viewer
from store.rentals.models import Entitlement
from store.rentals.rent import Terms, buy, rent
from tests.shop import Person, Shop

SLUG, RECIPE = "la-sociale", "0123456789abcdef"
RULES = Rules(play_hours=72, streams=2)


def now() -> datetime:
    """The present instant; the test shop's clock is not moved."""
    return datetime.now(UTC)


def holder(app: Flask, shop: Shop, how: str = "rental", slug: str = SLUG) -> Person:
    """A customer who rented or bought the film just now."""
    shop.film(slug)
    person = shop.customer(credit=9000)
    add_film(app, person, how, slug)
    return person


def add_film(app: Flask, person: Person, how: str, slug: str) -> None:
    """The person rents or buys a film."""
    with app.app_context(), transaction() as session:
        act = rent if how == "rental" else buy
        act(session, person.id, person.wallet_id, slug, Terms(30, Decimal(20)), now())


def start(
    app: Flask,
    person: Person,
    slug: str = SLUG,
    *,
    browser: str = "browser-1",
    consent: bool = True,
    country: str = "FR",
    rules: Rules = RULES,
    at: datetime | None = None,
) -> Start:
    """Start the film as the view does, in a transaction of its own."""
    viewer = Viewer(
        person.id, person.wallet_id, browser, "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0", country
    )
    with app.app_context(), transaction() as session:
        return authorise(session, viewer, slug, consent=consent, rules=rules, at=at or now())


def held(app: Flask) -> Entitlement:
    """The only entitlement there is."""
    with app.app_context():
        return db.session.scalars(select(Entitlement)).one()


def revoke(app: Flask) -> None:
    """Every entitlement is refunded."""
    with app.app_context(), transaction() as session:
        session.execute(update(Entitlement).values(revoked_at=now()))


def page_token(client: FlaskClient, slug: str = SLUG) -> str:
    """The CSRF token that the player page hands to its script."""
    found = re.search(r'data-csrf="([^"]+)"', client.get(f"/films/{slug}/voir").text)
    assert found, "this is not the player page"
    return found.group(1)


def write_film(app: Flask, slug: str = SLUG, recipe: str = RECIPE) -> Path:
    """Files where the store keeps a published film."""
    folder = Path(app.config["MEDIA_URL"]) / slug / recipe
    (folder / "video-240").mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n")
    (folder / "index.mpd").write_text("<MPD/>")
    (folder / "video-240" / "init.mp4").write_bytes(bytes(range(100)))
    (folder / "video-240" / "00001.m4s").write_bytes(bytes(range(200)))
    (folder / "subtitles.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nÉté\n")
    (folder / "notes.txt").write_text("not for sale")
    (folder.parent.parent / "secret.mp4").write_text("outside every film")
    return folder
