"""Collections of every kind: imported with a guest and a sentence for each film, shown, exported; a guest's words harm nobody."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import create_app
from store.db import db
from store.migrate import upgrade
from tests.catalogue.test_import import COLLECTION, FILM, run, write
from tests.conftest import both_engines, database_of, execute_on, settings_for

OTHER = FILM | {"title": "La Sociale"}
GUEST = COLLECTION | {
    "slug": "carte-blanche",
    "kind": "guest",
    "guest": "Zoé & fils",
    "films": ["la-sociale", "jveux-du-soleil"],
    "notes": {"la-sociale": {"fr": "Pour <b>rire</b>.", "en": "To laugh."}},
}


def imported(app: Flask, tmp_path: Path, *collections: dict[str, object]) -> str:
    return run(app, str(write(tmp_path / "films.json", {"films": [FILM, OTHER], "collections": collections}))).output


@both_engines
def test_a_guest_s_choice_is_shown_in_its_order_with_its_words(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    assert "new 3" in imported(app, tmp_path, GUEST)
    assert "unchanged 3" in imported(app, tmp_path, GUEST)
    page, english = (client.get(f"{site}/collections/carte-blanche").text for site in ("", "/en"))
    assert "Carte blanche : Zoé &amp; fils" in page.replace("\u00a0", " ")
    assert "Pour &lt;b&gt;rire&lt;/b&gt;." in page and "To laugh." not in page
    assert page.index("/films/la-sociale") < page.index("/films/jveux-du-soleil")
    assert "Free choice" in english and "To laugh." in english
    exported = tmp_path / "out.json"
    assert app.test_cli_runner().invoke(args=["films", "export", str(exported)]).exit_code == 0
    [collection] = json.loads(exported.read_text(encoding="utf-8"))["collections"]
    assert collection == GUEST
    imported(app, tmp_path, GUEST | {"notes": None})
    assert "rire" not in client.get("/collections/carte-blanche").text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guest": None}, "«guest» names whose choice it is"),
        ({"kind": "theme"}, "«guest» names whose choice it is"),
        ({"kind": "award"}, "«kind» is none of director, theme, festival, guest"),
        ({"notes": {"reprise": {"fr": "x"}}}, "«notes» speaks of reprise"),
        ({"notes": {"la-sociale": {"de": "x"}}}, "«notes» is no object"),
        ({"notes": {"la-sociale": {"fr": "x" * 301}}}, "«notes» is no object"),
        ({"notes": ["x"]}, "«notes» is no object"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(app: Flask, tmp_path: Path, changes: dict, reason: str) -> None:
    output = imported(app, tmp_path, GUEST | changes)
    assert reason in output and "refused 1" in output


@both_engines
def test_every_kind_is_named(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    for kind, words in (("director", "Cinéaste"), ("theme", "Thème"), ("festival", "Festival")):
        imported(app, tmp_path, COLLECTION | {"kind": kind})
        assert f'<p class="kicker">{words}</p>' in client.get("/collections/gilles-perret").text


BEFORE = (
    "INSERT INTO film (id, slug, title, year, minutes, countries, languages, age, tagline_fr, tagline_en, synopsis_fr,"
    " synopsis_en, subtitles, added_at, recipe) VALUES (1, 'film', 'Film', 2000, 80, '[]', '[]', 0, '', '', '', '', '[]',"
    " '2026-11-01 10:00:00', '0123456789abcdef')",
    "INSERT INTO collection (id, slug, kind, position, title_fr, title_en, lead_fr, lead_en, intro_fr, intro_en, more_fr,"
    " more_en) VALUES (1, 'ici', 'theme', 1, 'Ici', 'Here', '', '', '', '', '', '')",
    "INSERT INTO collection_film (collection_id, film_id, position) VALUES (1, 1, 7)",
    "INSERT INTO ingest (film_id, delivery, digests, state, step, fraction, updated_at) VALUES (1, "
    '\'{"master": "/a.mov", "subtitles": {}, "sounds": {}, "trailer": "/t.mov", "language": null}\', \'{}\','
    " 'published', '', 1, '2026-11-01 10:00:00')",
)


@both_engines
def test_what_the_release_before_hung_hangs_on(
    engine_name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = request.getfixturevalue("postgresql_server") if engine_name == "postgresql" else None
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    if server:
        execute_on(server, "CREATE DATABASE old_collections")
        url = database_of(server, "old_collections")
    app = create_app(settings_for(tmp_path, url))
    with app.app_context():
        upgrade("0022")
        with db.engine.begin() as connection:
            for statement in BEFORE:
                connection.exec_driver_sql(statement)
        upgrade()
        with db.engine.connect() as connection:
            places = connection.exec_driver_sql("SELECT collection_id, film_id, position, note_fr FROM collection_film")
            assert places.all() == [(1, 1, 7, "")]
    page = app.test_client().get("/films/film").text
    assert "/collections/ici" in page and 'data-excerpt="trailer"' in page
    assert 'class="card"' in app.test_client().get("/collections/ici").text
    with app.app_context():
        db.engine.dispose()
    if server:
        execute_on(server, "DROP DATABASE old_collections WITH (FORCE)")
