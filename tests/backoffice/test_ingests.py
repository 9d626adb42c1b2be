"""Staff see how far films are, cancel and try again; visitors read only that a film is being prepared."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from store import clock
from store.audit.models import AuditEntry
from store.db import db, transaction
from store.jobs.models import Job
from store.media.models import Ingest
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

PAGE = "/equipe/ingestions"
DELIVERY = {"master": "/a.mov", "subtitles": {}, "sounds": {}, "trailer": None, "language": None}


@pytest.fixture
def desk(shop: Shop) -> FlaskClient:
    """The browser of somebody who works here."""
    return shop.signed_in(shop.staff())


def deliver(app: Flask, shop: Shop, slug: str, **values: object) -> int:
    film_id = shop.film(slug, playable=False)
    with app.app_context(), transaction() as session:
        blank = {"digests": {}, "step": "", "fraction": 0.0, "updated_at": clock.now(), "delivery": DELIVERY}
        session.execute(insert(Ingest).values(film_id=film_id, **blank | values))
    return film_id


def state_of(app: Flask, film_id: int) -> str:
    with app.app_context():
        return db.session.scalars(select(Ingest.state).where(Ingest.film_id == film_id)).one()


def acts(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.execute(select(AuditEntry.act, AuditEntry.subject).where(AuditEntry.act.like("ingest%")))
        return [tuple(row) for row in rows]


@both_engines
def test_how_far_each_film_is(app: Flask, shop: Shop, desk: FlaskClient, client: FlaskClient) -> None:
    assert "Refresh" not in desk.get(PAGE).headers
    deliver(app, shop, "done", state="published", fraction=1.0)
    deliver(app, shop, "broken", state="failed", error="a.mov: <b>truncated</b>")
    running = {"state": "running", "step": "encode", "fraction": 0.4219, "speed": 1.84, "left_s": 2460.0}
    film_id = deliver(app, shop, "going", **running)
    answer = desk.get(PAGE)
    page = answer.text.replace("\u00a0", " ").replace("&nbsp;", " ")
    assert answer.headers["Refresh"] == "5" and answer.headers["Cache-Control"] == "no-store"
    order = [page.index(f'href="/films/{slug}"') for slug in ("going", "broken", "done")]
    assert order == sorted(order)
    assert '<progress value="0.4219"' in page and "42 %" in page and "1,8 fois" in page and "40 min" in page
    assert "encodage de l’image" in page and "a.mov: &lt;b&gt;truncated" in page
    assert page.count("/annuler") == 1 and page.count("/reprendre") == 1
    told = client.get("/films/going").text
    assert "film-soon" in told and "0.42" not in told and "encodage" not in told and f"/{film_id}/" not in told


@both_engines
def test_staff_cancel_and_try_again(app: Flask, shop: Shop, desk: FlaskClient) -> None:
    film_id = deliver(app, shop, "going", state="running", step="encode", fraction=0.4)
    token = {"csrf_token": csrf_of(desk, PAGE)}
    assert desk.post(f"{PAGE}/{film_id}/annuler", data=token).location == PAGE
    assert state_of(app, film_id) == "cancelled" and "Annulé." in desk.get(PAGE).text
    desk.post(f"{PAGE}/{film_id}/annuler", data=token)
    assert "Rien à annuler" in desk.get(PAGE).text
    desk.post(f"{PAGE}/{film_id}/reprendre", data=token)
    assert state_of(app, film_id) == "waiting"
    with app.app_context():
        payloads = db.session.scalars(select(Job.payload).where(Job.name == "media.publish")).all()
    assert payloads == [{"film_slug": "going"}]
    assert acts(app) == [("ingest.cancelled", f"film:{film_id}"), ("ingest.resumed", f"film:{film_id}")]
    desk.post(f"{PAGE}/999/reprendre", data=token)
    assert "Rien n’a changé" in desk.get(PAGE).text


def test_time_left_counts_from_when_it_was_told(app: Flask, shop: Shop, desk: FlaskClient) -> None:
    with app.app_context():
        before = clock.now() - timedelta(minutes=10)
    deliver(app, shop, "going", state="running", step="encode", fraction=0.5, left_s=1800.0, updated_at=before)
    left = re.search(r"encore (\d+).min", desk.get(PAGE).text)
    assert left and 10 <= int(left[1]) <= 20
