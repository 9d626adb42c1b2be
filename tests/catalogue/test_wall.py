"""The wall: filters that combine, true counts, cursors that pass every film once, one address for each choice."""

import json
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from config import ROOT
from store import clock
from store.catalogue import wall
from store.catalogue.facets import ACCESS, COUNTRY, DECADE, DIRECTOR, FACETS, LENGTH, THEME, Chosen, index_for
from store.catalogue.import_films import import_catalogue
from store.catalogue.models import FilmFacet
from store.catalogue.offers import facets_offered
from store.catalogue.wall import SORTS, Choice, films_chosen
from store.db import db, transaction
from store.shown import version_of
from tests.conftest import both_engines

CHOICES: list[Chosen] = [
    {},
    {THEME: ("travail",)},
    {THEME: ("travail", "memoire")},
    {THEME: ("luttes",), DECADE: ("2010", "2000")},
    {DIRECTOR: ("gilles-perret",), LENGTH: ("60-90",)},
    {DIRECTOR: ("nobody",)},
    {COUNTRY: ("FR",), THEME: ("essai",), LENGTH: ("moins-30",)},
    {ACCESS: ("sdh",)},
]


@pytest.fixture
def catalogue(app: Flask) -> Flask:
    """The shop with the demo's films."""
    document = json.loads((ROOT / "store" / "demo" / "catalogue.json").read_text(encoding="utf-8"))
    with app.app_context(), transaction() as session:
        import_catalogue(session, document, clock.now())
    return app


def values_of_films() -> dict[int, dict[str, set[str]]]:
    films: dict[int, dict[str, set[str]]] = {}
    for row in db.session.execute(select(FilmFacet.film_id, FilmFacet.facet, FilmFacet.value)):
        films.setdefault(row.film_id, {facet: set() for facet in FACETS})[row.facet].add(row.value)
    return films


def fulfils(values: dict[str, set[str]], chosen: Chosen) -> bool:
    return all(values[facet] & {*some} for facet, some in chosen.items())


def _ids(films: dict[int, dict[str, set[str]]], chosen: Chosen) -> list[int]:
    return [film_id for film_id, values in films.items() if fulfils(values, chosen)]


@both_engines
def test_counts_are_those_of_the_films(catalogue: Flask) -> None:
    with catalogue.app_context():
        films = values_of_films()
        for chosen in CHOICES:
            index = index_for(db.session, version_of(db.session), chosen)
            kept = [values for values in films.values() if fulfils(values, chosen)]
            assert index.count(chosen) == len(kept)
            few = index.few(chosen)
            assert (few is None) == (not chosen) and (few is None or {*few} == {*_ids(films, chosen)})
            on_wall, _ = films_chosen(db.session, Choice(chosen))
            assert len(on_wall) == len(kept) and films_chosen(db.session, Choice(chosen), few)[0] == on_wall
            for facet, counts in index.counts(chosen).items():
                others = {name: some for name, some in chosen.items() if name != facet}
                left = Counter(v for values in films.values() if fulfils(values, others) for v in values[facet])
                assert {value: count for value, count in counts.items() if count} == {
                    value: left[value] for value in left if value in counts
                }, (chosen, facet)


@both_engines
@pytest.mark.parametrize("sort", SORTS)
def test_cursors_pass_every_film_once(catalogue: Flask, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "PAGE", 7)
    with catalogue.app_context():
        choice, seen, pages = Choice({}, sort), list[Any](), 0
        while True:
            films, last = films_chosen(db.session, choice)
            seen += films
            pages += 1
            if last is None:
                break
            choice = choice.going_on(last)
    assert pages == 6 and len({film.slug for film in seen}) == len(seen) == 38
    if sort in ("annee", "duree"):
        keys = [-film.year if sort == "annee" else film.minutes for film in seen]
        assert keys == sorted(keys)
    if sort == "titre":
        assert [film.slug for film in seen][:3] == ["8-clos-a-evian", "a-propos-de-nice", "afrique-50"]


def test_an_address_holds_a_choice_and_a_choice_one_address() -> None:
    asked = {"theme": ["travail", "luttes", "travail"], "tri": ["annee"], "apres": ["la-sociale"], "pays": [""]}
    choice = Choice.of(lambda name: asked.get(name, []))
    assert choice.address() == "/films?theme=luttes&theme=travail&tri=annee&apres=la-sociale"
    assert choice.toggled("theme", "luttes").address() == "/films?theme=travail&tri=annee"
    assert choice.toggled("decennie", "1970").toggled("decennie", "1970") == choice.going_on(None)
    nonsense = {"theme": ["x" * 1000, "\0"], "tri": ["x"], "apres": ["\0" * 9]}
    assert Choice.of(lambda name: nonsense.get(name, [])).address() == "/films"


def test_what_is_chosen_can_be_given_back(catalogue: Flask, client: FlaskClient) -> None:
    page = client.get("/films?theme=travail&decennie=1970").text
    assert page.count('class="card"') == 1 and "Harlan County USA" in page
    assert 'href="/films?decennie=1970"' in page and 'href="/films?theme=travail"' in page
    none = client.get("/films?theme=travail&decennie=1920&pays=BR").text
    assert "Voir tous les films" in none


def test_a_value_that_leaves_nothing_is_not_offered(catalogue: Flask) -> None:
    with catalogue.app_context():
        choice = Choice({THEME: ("archives",)})
        index = index_for(db.session, version_of(db.session), choice.chosen)
        offered = {
            offer.facet: [value.value for value in offer.values] for offer in facets_offered(index, choice, "fr")
        }
    assert "1920" not in offered[DECADE]
    assert ACCESS not in offered


@pytest.mark.parametrize(
    "address", ["/films", "/films?theme=travail&pays=FR&tri=titre", "/films?realisation=jean-vigo"]
)
def test_the_wall_asks_four_queries_at_most(catalogue: Flask, client: FlaskClient, query_count, address: str) -> None:
    client.get(address)
    with query_count() as queries:
        assert client.get(address).status_code == 200
    assert len(queries) <= 4, queries
