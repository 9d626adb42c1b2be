"""What the catalogue leaves to the worker."""

from datetime import timedelta

from store import clock
from store.catalogue.index_films import index_everything, is_indexed
from store.catalogue.take_down import rehang, to_rehang
from store.db import db, transaction
from store.jobs.enqueue import every, job


@every(timedelta(minutes=5))
@job("catalogue.index", lane="slow")
def index() -> None:
    """Write what films are found by, if an upgrade has changed the rules by which that is done."""
    if is_indexed(db.session):
        return
    with transaction() as session:
        index_everything(session)


@every(timedelta(minutes=5))
@job("catalogue.take_down")
def take_down() -> None:
    """Take films off the walls on the day after their licence's last."""
    if to_rehang(db.session, clock.today()):
        with transaction() as session:
            rehang(session, clock.today())
