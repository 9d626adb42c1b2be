"""Two writers of the index at once on PostgreSQL: one waits for the other, and neither fails."""

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from store.catalogue.index_films import index_everything, index_films
from store.catalogue.models import Film, SearchEntry
from store.db import db, transaction
from tests.checkout.test_waiting_races import while_the_other_waits
from tests.shop import Shop

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


def test_a_film_enters_words_while_the_index_is_written_anew(app: Flask, shop: Shop) -> None:
    shop.film("la-sociale")

    def enter(session: Session) -> None:
        session.execute(select(Film)).all()
        index_films(session, session.scalars(select(Film.id)).all())

    def write_anew() -> None:
        with transaction() as session:
            index_everything(session)

    while_the_other_waits(app, enter, write_anew).result()
    while_the_other_waits(app, index_everything, lambda: _in_a_transaction(enter)).result()
    with app.app_context():
        assert db.session.scalars(select(SearchEntry.word_id)).all()


def _in_a_transaction(act) -> None:
    with transaction() as session:
        act(session)
