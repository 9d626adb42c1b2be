"""Films whose licence is over are offered nowhere, from the day after its last; their pages stay and say why."""

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store import clock
from store.catalogue import jobs
from store.catalogue.models import Film
from store.db import transaction
from tests.catalogue.test_import import COLLECTION, FILM, run, write
from tests.conftest import both_engines

HOME = {"film": "la-sociale", "films": ["la-sociale", "jveux-du-soleil"], "collections": []}
WALLS = ("/", "/films", "/films?tri=titre", "/films?pays=FR", "/films/jveux-du-soleil", "/collections/gilles-perret")
WALLS += ("/personnes/gilles-perret", "/films.atom", "/recherche?q=zzzz")


@pytest.fixture
def today(app: Flask) -> date:
    with app.app_context():
        return clock.today()


def fill(app: Flask, tmp_path, last_day: date | None) -> None:
    films = [FILM, FILM | {"title": "La Sociale", "licensed_until": last_day.isoformat() if last_day else None}]
    collection = COLLECTION | {"films": ["la-sociale", "jveux-du-soleil"]}
    document = {"films": films, "collections": [collection], "home": HOME}
    answer = run(app, str(write(tmp_path / "films.json", document)))
    assert answer.exit_code == 0, answer.output


def shown_on(client: FlaskClient) -> set[str]:
    return {wall for wall in WALLS if "/films/la-sociale" in client.get(wall).text}


def counted_on(client: FlaskClient) -> tuple[int, int]:
    """How many films the wall says that it has, and the collection."""
    wall, collections = client.get("/films").text, client.get("/collections").text
    counted = [re.search(r'class="[^"]*count[^"]*">\s*(\d+)', page) for page in (wall, collections)]
    assert all(counted), wall
    return int(counted[0][1]), int(counted[1][1])


def end_licence(app: Flask, last_day: date) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Film).where(Film.slug == "la-sociale").values(licensed_until=last_day))


@both_engines
def test_the_day_after_its_last_a_film_hangs_nowhere(app: Flask, client: FlaskClient, today: date, tmp_path) -> None:
    fill(app, tmp_path, today)
    assert shown_on(client) == {*WALLS}
    assert counted_on(client) == (2, 2)
    end_licence(app, today - timedelta(days=1))
    with app.app_context():
        jobs.take_down()
    assert shown_on(client) == set()
    assert counted_on(client) == (1, 1)
    assert client.get("/films/la-sociale").status_code == 200


@both_engines
def test_an_import_takes_down_and_hangs_again(app: Flask, client: FlaskClient, today: date, tmp_path) -> None:
    fill(app, tmp_path, today - timedelta(days=1))
    assert shown_on(client) == set()
    fill(app, tmp_path, None)
    assert shown_on(client) == {*WALLS}


def test_a_day_without_an_end_writes_nothing(app: Flask, today: date, tmp_path, query_count) -> None:
    fill(app, tmp_path, today)
    with app.app_context(), query_count() as queries:
        jobs.take_down()
    assert [query for query in queries if not query.lstrip().startswith("SELECT")] == []
