"""`films export`: read again it changes nothing, and in an empty shop it makes the same catalogue."""

import json
from pathlib import Path

from flask import Flask
from sqlalchemy import delete, select

from config import ROOT
from store.catalogue.models import (
    Collection,
    CollectionFilm,
    Film,
    FilmDirector,
    FilmFacet,
    FilmTheme,
    HomePage,
    Person,
    SearchEntry,
    Theme,
)
from store.catalogue.wall import Choice, films_chosen
from store.db import db, transaction

DEMO = ROOT / "store" / "demo" / "catalogue.json"


def run(app: Flask, *arguments: str) -> str:
    answer = app.test_cli_runner().invoke(args=["films", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.output


def wall(app: Flask) -> list[str]:
    with app.app_context():
        films, _ = films_chosen(db.session, Choice.of(lambda name: []))
        return [film.slug for film in films]


def test_what_is_exported_comes_back(app: Flask, tmp_path: Path) -> None:
    run(app, "import", str(DEMO))
    before, first = wall(app), tmp_path / "first.json"
    assert before == [film["slug"] for film in json.loads(DEMO.read_text(encoding="utf-8"))["films"]]
    run(app, "export", str(first))
    assert "new 0, changed 0, unchanged 67, refused 0" in run(app, "import", str(first))
    with app.app_context(), transaction() as session:
        for table in (SearchEntry, FilmFacet, CollectionFilm, FilmTheme, FilmDirector, Collection, Film, Theme, Person):
            session.execute(delete(table))
        session.execute(delete(HomePage))
    run(app, "import", str(first))
    second = tmp_path / "second.json"
    run(app, "export", str(second))
    assert second.read_text(encoding="utf-8") == first.read_text(encoding="utf-8")
    assert wall(app) == before


def test_csv_holds_the_films(app: Flask, tmp_path: Path) -> None:
    run(app, "import", str(DEMO))
    file = tmp_path / "films.csv"
    assert "38 films" in run(app, "export", str(file))
    assert "new 0, changed 0, unchanged 38, refused 0" in run(app, "import", str(file))
    with app.app_context():
        assert db.session.scalars(select(Film.title).where(Film.slug == "jveux-du-soleil")).one() == "J’veux du soleil"
