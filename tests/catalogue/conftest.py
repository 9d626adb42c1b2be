"""Fixtures of the catalogue's tests."""

import pytest
from flask import Flask
from sqlalchemy import insert

from store.catalogue.models import Collection, CollectionFilm, FilmDirector, Person
from store.db import transaction
from tests.shop import Shop


@pytest.fixture
def wall(app: Flask, shop: Shop) -> dict[str, int]:
    """Eight films, two directors each, in two collections; their ids by slug."""
    slugs = ["la-sociale", *(f"film-{number}" for number in range(1, 8))]
    ids = {slug: shop.film(slug) for slug in slugs}
    with app.app_context(), transaction() as session:
        for person_id, name in ((1, "Gilles Perret"), (2, "Agnès Varda")):
            session.execute(insert(Person).values(id=person_id, slug=f"person-{person_id}", name=name))
        for film_id in ids.values():
            for person_id in (1, 2):
                session.execute(insert(FilmDirector).values(film_id=film_id, person_id=person_id, position=person_id))
        for number, slug in enumerate(("gilles-perret", "autres"), start=1):
            texts = {
                f"{part}_{lang}": f"{part} de {slug}" for part in ("lead", "intro", "more") for lang in ("fr", "en")
            }
            titles = {"title_fr": "Gilles Perret" if number == 1 else "Autres", "title_en": slug}
            session.execute(
                insert(Collection).values(id=number, slug=slug, kind="director", position=number, **texts, **titles)
            )
            for position, film_id in enumerate(ids.values()):
                session.execute(insert(CollectionFilm).values(collection_id=number, film_id=film_id, position=position))
    return ids
