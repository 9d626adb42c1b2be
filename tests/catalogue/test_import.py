"""`films import`: all or nothing, each refusal with its reason, twice the same."""

import json
from datetime import date
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from store.catalogue.import_films import LARGEST_FILE
from store.catalogue.models import Collection, CollectionFilm, Film, FilmDirector, Person
from store.db import db

FILM = {
    "title": "J’veux du soleil",
    "year": 2019,
    "minutes": 76,
    "countries": ["FR"],
    "directors": ["Gilles Perret", "François Ruffin"],
    "languages": ["fr"],
    "tagline_fr": "Des ronds-points, une caméra.",
}
COLLECTION = {
    "slug": "gilles-perret",
    "kind": "director",
    **{f"{field}_{lang}": "Texte." for field in ("title", "lead", "intro", "more") for lang in ("fr", "en")},
    "films": ["jveux-du-soleil"],
}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def run(app: Flask, *arguments: str):
    return app.test_cli_runner().invoke(args=["films", "import", *arguments])


def count(app: Flask, table: type) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_document_comes_in_and_twice_changes_nothing(app: Flask, tmp_path: Path) -> None:
    file = write(tmp_path / "films.json", {"films": [FILM], "collections": [COLLECTION]})
    first = run(app, str(file))
    assert first.exit_code == 0, first.output
    with app.app_context():
        film = db.session.scalars(select(Film)).one()
        assert (film.slug, film.rent_cents, film.recipe) == ("jveux-du-soleil", None, None)
        query = select(Person.name).join(FilmDirector).order_by(FilmDirector.position)
        assert list(db.session.scalars(query)) == FILM["directors"]
    again = run(app, str(file))
    assert "new 0, changed 0, unchanged 2, refused 0" in again.output
    assert (count(app, Film), count(app, Collection), count(app, CollectionFilm)) == (1, 1, 1)


def test_check_writes_nothing(app: Flask, tmp_path: Path) -> None:
    answer = run(app, "--check", str(write(tmp_path / "films.json", [FILM])))
    assert answer.exit_code == 0
    assert "would be new 1" in answer.output
    assert count(app, Film) == 0


def test_each_refused_line_has_its_reason_and_the_good_ones_come_in(app: Flask, tmp_path: Path) -> None:
    bad = [
        FILM | {"title": ""},
        FILM | {"title": "Sans durée", "minutes": 0},
        FILM | {"title": "Autre thème", "themes": ["inconnu"]},
        FILM | {"title": "Champ de trop", "price": 3},
        "pas un film",
    ]
    answer = run(app, str(write(tmp_path / "films.json", [FILM, *bad])))
    assert answer.exit_code == 1
    assert count(app, Film) == 1
    for number, reason in (
        (2, "«title»"),
        (3, "«minutes»"),
        (4, "inconnu"),
        (5, "«price» is no field"),
        (6, "is no record"),
    ):
        line = next(line for line in answer.output.splitlines() if line.startswith(f"film {number}"))
        assert reason in line


def test_csv_holds_films(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    file.write_text(
        "title,year,minutes,countries,directors,languages,rent_cents\n"
        "Afrique 50,1950,17,FR,René Vautier,fr,150\n"
        "Chomsky & Cie,2008,112,FR,Olivier Azam; Daniel Mermet,fr;en,\n",
        encoding="utf-8",
    )
    answer = run(app, str(file))
    assert answer.exit_code == 0, answer.output
    with app.app_context():
        films = {film.slug: film for film in db.session.scalars(select(Film))}
    assert films["afrique-50"].rent_cents == 150
    assert films["chomsky-cie"].languages == ["fr", "en"]


def test_a_file_that_is_no_catalogue_is_refused_whole(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "films.json"
    for text in ("{", "[" * 100_000, '{"films": 3}', "3"):
        file.write_text(text)
        answer = run(app, str(file))
        assert answer.exit_code == 1
        assert "Nothing was changed" in answer.output
    assert count(app, Film) == 0


def test_a_file_that_is_too_large_is_refused_unread(app: Flask, tmp_path: Path) -> None:
    for name in ("films.json", "films.csv"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(LARGEST_FILE + 1)
        answer = run(app, str(tmp_path / name))
        assert answer.exit_code == 1 and f"{name} is larger than" in answer.output


def test_a_licence_comes_in_and_a_wrong_one_does_not(app: Flask, tmp_path: Path) -> None:
    licence = {"licensed_from": "2026-01-01", "licensed_until": "2027-12-31", "territories": ["FR", "BE"]}
    wrong = (
        {"licensed_from": "2027-01-01", "licensed_until": "2026-12-31"},
        {"licensed_until": "9999-12-31"},
        {"licensed_from": "tomorrow"},
        {"territories": []},
        {"territories": ["fr"]},
        {"territories": ["FR", "FR"]},
    )
    films = [FILM | licence, *(FILM | {"title": f"Film {n}"} | fields for n, fields in enumerate(wrong))]
    answer = run(app, str(write(tmp_path / "films.json", films)))
    assert "new 1, changed 0, unchanged 0, refused 6" in answer.output
    for number, fields in enumerate(wrong, start=2):
        line = next(line for line in answer.output.splitlines() if line.startswith(f"film {number} "))
        assert any(f"«{name}»" in line for name in fields)
    with app.app_context():
        film = db.session.scalars(select(Film)).one()
        assert (film.licensed_from, film.licensed_until) == (date(2026, 1, 1), date(2027, 12, 31))
        assert film.territories == ["FR", "BE"]


def test_a_licence_comes_in_by_csv_and_what_is_empty_is_without_limit(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    file.write_text(
        "title,year,minutes,countries,directors,languages,territories,licensed_until\n"
        "Afrique 50,1950,17,FR,René Vautier,fr,FR; CH,2027-01-31\n"
        "Chomsky & Cie,2008,112,FR,Olivier Azam,fr,,\n",
        encoding="utf-8",
    )
    answer = run(app, str(file))
    assert answer.exit_code == 0, answer.output
    with app.app_context():
        films = {film.slug: film for film in db.session.scalars(select(Film))}
    assert (films["afrique-50"].territories, films["afrique-50"].licensed_until) == (["FR", "CH"], date(2027, 1, 31))
    assert (films["chomsky-cie"].territories, films["chomsky-cie"].licensed_until) == (None, None)
