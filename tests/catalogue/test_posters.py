"""Posters: drawn alike every time, whatever the title, and kept for ever under an address that knows the film's facts."""

from dataclasses import dataclass, field
from random import Random
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from store.catalogue import lettering
from store.catalogue.poster_art import COMPOSITIONS, PALETTES, Sheet
from store.catalogue.posters import poster_mark, poster_svg, poster_url
from tests.shop import Shop

SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Film:
    slug: str = "la-sociale"
    title: str = "La Sociale"
    year: int = 2016
    directors: list[str] = field(default_factory=lambda: ["Gilles Perret"])


def test_one_key_gives_one_poster() -> None:
    first = poster_svg("La Sociale", ["Gilles Perret"], 2016, "la-sociale")
    poster_svg.__globals__["_drawn"].cache_clear()
    assert poster_svg("La Sociale", ["Gilles Perret"], 2016, "la-sociale") == first
    assert poster_svg("La Sociale", ["Gilles Perret"], 2016, "another") != first


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda composition: composition.__name__)
def test_every_composition_is_well_formed_in_every_ink(composition) -> None:
    for number, inks in enumerate(PALETTES):
        for height in (330.0, 640.0):
            shapes = composition(Sheet("Été 36", height, inks, Random(number)))
            drawn = ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{shapes}</svg>')
            assert len(drawn) > 0
            assert "nan" not in shapes and "None" not in shapes


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert('&')</script>",
        "Un titre qui n’en finit pas parce que son auteur avait beaucoup de choses à dire sur le monde tel qu’il va et tel qu’il pourrait aller",
        "Anticonstitutionnellement",
        "שלום עליכם",
        "忘れられない",
        "Deux\nlignes\x07 et un bip",
        "50",
        "…",
    ],
)
def test_no_title_breaks_a_poster(title: str) -> None:
    drawn = ElementTree.fromstring(poster_svg(title, ["A & B", "<C>"], 1950, "key"))
    assert (drawn.findtext(f"{SVG}title") or "").endswith(", A & B, <C>, 1950")
    assert drawn.find(f"{SVG}script") is None


def test_titles_fill_their_measure_and_break_where_they_read_well() -> None:
    width, height = 520.0, 350.0
    for title in ("La Sociale", "8 clos à Évian", "Les Glaneurs et la Glaneuse", "Nostalgie de la lumière"):
        setting = lettering.fit(title, width, height, 158)
        assert " ".join(setting.lines) == title
        assert setting.height <= height + 0.01
        assert max(lettering.display().width(line) for line in setting.lines) * setting.size <= width + 0.01
        assert not any(line.split()[-1].lower() in lettering.LEANING for line in setting.lines)


def test_the_address_follows_the_facts() -> None:
    before = Film()
    assert poster_url(before) == f"/affiches/la-sociale-{poster_mark(before)}.svg"
    assert poster_mark(before) != poster_mark(Film(year=2017)) != poster_mark(Film(directors=["Personne"]))


def test_a_poster_is_kept_and_an_old_address_leads_on(client: FlaskClient, shop: Shop) -> None:
    shop.film("la-sociale")
    page = client.get("/films/la-sociale").text
    address = page.split('class="poster film-poster" src="')[1].split('"')[0]
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "image/svg+xml"
    assert "immutable" in answer.headers["Cache-Control"]
    stale = client.get("/affiches/la-sociale-0123456789.svg")
    assert (stale.status_code, stale.headers["Location"]) == (301, address)
    assert client.get("/affiches/nobody-0123456789.svg").status_code == 404
