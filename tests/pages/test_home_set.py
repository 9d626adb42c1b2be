"""`home set`: the home shows what a file says, or nothing changes."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.shop import Shop


def run(app: Flask, path: Path, content: object):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return app.test_cli_runner().invoke(args=["home", "set", str(path)])


def test_the_home_shows_it_at_once(app: Flask, client: FlaskClient, shop: Shop, tmp_path: Path) -> None:
    shop.film("un-film")
    shop.film("la-sociale")
    client.get("/")
    answer = run(app, tmp_path / "home.json", {"film": "un-film", "kicker_fr": "Ce soir", "films": ["la-sociale"]})
    assert answer.exit_code == 0, answer.output
    page = client.get("/").text
    assert "Ce soir" in page and page.index("/films/un-film") < page.index("/films/la-sociale")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        {"film": 7},
        {"film": "nothing"},
        {"films": "x"},
        {"films": ["nothing"]},
        {"x": 1},
        {"kicker_fr": "x" * 300},
    ],
)
def test_what_makes_no_sense_changes_nothing(app: Flask, client: FlaskClient, tmp_path: Path, content: object) -> None:
    before = client.get("/").data
    answer = run(app, tmp_path / "home.json", content)
    assert answer.exit_code == 1 and "Nothing was changed" in answer.output
    assert client.get("/").data == before
