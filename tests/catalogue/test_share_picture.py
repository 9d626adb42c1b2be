"""Pictures that go with links: the same every time, as large as they say, kept for ever at an address that knows what they show."""

import re
import struct

import pytest
from flask.testing import FlaskClient

from store.catalogue.share_picture import SharePicture, of_film, picture_png, picture_svg
from tests.catalogue.test_posters import Film
from tests.shop import Shop

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TITLES = (
    "<script>alert('&')</script>",
    "Un titre qui n’en finit pas parce que son auteur avait beaucoup de choses à dire sur le monde tel qu’il va",
    "שלום עליכם",
    "Deux\nlignes\x07 et un bip \u202edesrever",
    "…",
)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(SIGNATURE)
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def pictures_named(client: FlaskClient, address: str) -> list[str]:
    return re.findall(r'property="og:image" content="http://localhost([^"]+)"', client.get(address).text)


def test_one_film_gives_one_picture() -> None:
    picture = of_film(Film(), "CinéMutins")
    first = picture_png(picture)
    picture_png.cache_clear()
    assert picture_png(picture) == first and size_of(first) == (1200, 630)
    assert picture_png(of_film(Film(slug="another"), "CinéMutins")) != first
    marks = {
        of_film(Film(title=title), shop).mark for title in ("La Sociale", "Autre") for shop in ("CinéMutins", "Zorn")
    }
    assert len(marks) == 4


@pytest.mark.parametrize("title", TITLES)
def test_no_title_breaks_a_picture(title: str) -> None:
    picture = SharePicture("films/x", title, ("A & B, <C>, " * 9, "1950"), "Zorn & Söhne")
    assert size_of(picture_png(picture)) == (1200, 630)
    assert "<script" not in picture_svg(picture)


@pytest.mark.parametrize(
    "address", ["/", "/en", "/films/la-sociale", "/collections/gilles-perret", "/en/collections/gilles-perret"]
)
def test_a_page_names_its_picture(client: FlaskClient, shop: Shop, wall: dict[str, int], address: str) -> None:
    [picture] = pictures_named(client, address)
    answer = client.get(picture)
    assert (answer.status_code, answer.mimetype, size_of(answer.data)) == (200, "image/png", (1200, 630))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin" and "Set-Cookie" not in answer.headers
    former = client.get(re.sub(r"-[0-9a-f]{10}\.png", "-0000000000.png", picture))
    assert (former.status_code, former.location) == (301, picture)


@pytest.mark.parametrize(
    "place", ["films/nobody", "collections/fr/nobody", "collections/de/gilles-perret", "accueil/de"]
)
def test_there_is_no_picture_of_nothing(client: FlaskClient, wall: dict[str, int], place: str) -> None:
    assert client.get(f"/affiches/{place}-0000000000.png").status_code == 404
