"""`films import --map`: somebody else's file, read by a mapping, its defects named line by line and none of them guessed."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from store.catalogue.models import Film, FilmDirector, Person
from store.db import db

MAPPING = {
    "title": {"column": "Title", "as": "text"},
    "year": {"column": "Release Date", "as": "year", "format": "%b %d %Y"},
    "released_on": {"column": "Release Date", "as": "day", "format": "%b %d %Y"},
    "minutes": "Running Time min",
    "directors": {"column": "Director", "as": "list", "separator": ","},
    "countries": {"value": []},
    "languages": {"column": "Language", "as": "list", "otherwise": ["mul"]},
}

GOOD = {
    "Title": "La Colline aux chèvres",
    "Release Date": "Jun 12 1998",
    "Running Time min": 84,
    "Director": "Ana Martin, Luc Bo",
    "US Gross": 1,
}
FILE = [
    GOOD,
    GOOD | {"Title": 1941, "Director": "Ana Martin", "Language": "fr"},
    GOOD | {"Title": None},
    GOOD | {"Title": "Sans durée", "Running Time min": None},
    GOOD | {"Title": "Sans personne", "Director": None},
    GOOD | {"Title": "Date étrange", "Release Date": "12/06/98"},
    GOOD | {"Title": "Date absente", "Release Date": ""},
    GOOD,
    GOOD | {"Title": ["Liste"]},
    "pas un film",
]
REASONS = {
    3: "«title» is missing",
    4: "«minutes» is missing",
    5: "«directors» is missing",
    6: "«year» is no whole number",
    7: "«year» is missing",
    8: "«slug» la-colline-aux-chevres stands in the file already",
    9: "«title» is no text",
    10: "is no record",
}


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """The mapping as a file."""
    return write(tmp_path / "map.json", MAPPING)


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def run(app: Flask, *arguments: object):
    return app.test_cli_runner().invoke(args=["films", "import", *map(str, arguments)])


def test_what_is_whole_comes_in_and_each_defect_is_named(app: Flask, tmp_path: Path, mapping: Path) -> None:
    answer = run(app, "--map", mapping, write(tmp_path / "movies.json", FILE))
    assert answer.exit_code == 1
    assert "new 2, changed 0, unchanged 0, refused 8" in answer.output
    for number, reason in REASONS.items():
        line = next(line for line in answer.output.splitlines() if line.startswith(f"film {number}"))
        assert reason in line
    with app.app_context():
        films = {film.title: film for film in db.session.scalars(select(Film))}
        assert {*films} == {"La Colline aux chèvres", "1941"}
        first = films["La Colline aux chèvres"]
        assert (first.year, str(first.released_on), first.minutes) == (1998, "1998-06-12", 84)
        assert (first.countries, first.languages, films["1941"].languages) == ([], ["mul"], ["fr"])
        theirs = select(Person.name).join(FilmDirector).where(FilmDirector.film_id == first.id)
        assert list(db.session.scalars(theirs.order_by(FilmDirector.position))) == ["Ana Martin", "Luc Bo"]


def test_a_csv_of_somebody_elses_is_read_so_too(app: Flask, tmp_path: Path) -> None:
    numbers = {"minutes": {"column": "Running Time min", "as": "number"}}
    file = tmp_path / "movies.csv"
    file.write_text(
        "Title,Release Date,Running Time min,Director\n"
        "La Colline aux chèvres,Jun 12 1998,84,Ana Martin\n"
        "Autre,Jun 12 1998,eighty,Ana Martin\n",
        encoding="utf-8",
    )
    answer = run(app, "--map", write(tmp_path / "map.json", MAPPING | numbers), file)
    assert "new 1, changed 0, unchanged 0, refused 1" in answer.output
    assert "film 2 (Autre): «minutes» is no whole number" in answer.output


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("{", "Expecting property name"),
        ([], "no object"),
        ({"price": "Price"}, "«price» is no field of a film"),
        ({"title": 3}, "«title» needs"),
        ({"title": {"column": "Title", "as": "guess"}}, "«title» is read as none of"),
        ({"title": {"column": "Title", "value": "x"}}, "«title» needs"),
        ({"title": {"as": "text"}}, "«title» needs"),
        ({"title": {"column": "Title", "colour": "red"}}, "«title» needs"),
        ({"title": {"column": ["Title"]}}, "«title» needs"),
        ({"year": {"column": "Date", "as": "year", "format": 3}}, "«year» needs"),
    ],
)
def test_a_mapping_without_sense_changes_nothing(app: Flask, tmp_path: Path, mapping: object, reason: str) -> None:
    file = tmp_path / "map.json"
    file.write_text(mapping if isinstance(mapping, str) else json.dumps(mapping), encoding="utf-8")
    answer = run(app, "--map", file, write(tmp_path / "movies.json", FILE))
    assert answer.exit_code == 1
    assert reason in answer.output and "Nothing was changed" in answer.output
