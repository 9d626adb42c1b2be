"""Packaging, and files to take home, in the background."""

from datetime import timedelta

from store.db import db, transaction
from store.jobs.enqueue import every, job
from store.media.download import make_download, missing_downloads, order_download
from store.media.progress import Cancelled
from store.media.publish import REFUSALS, publish


@job("media.publish", lane="slow")
def publish_film(film_slug: str) -> None:
    """Publish a film; one that is refused or cancelled is not tried again, its row says why."""
    try:
        publish(film_slug)
    except (*REFUSALS, Cancelled):
        return


@job("media.make_download", lane="copy")
def make_film_download(film_slug: str) -> None:
    """Make the file that buyers of the film take home."""
    make_download(film_slug)


@every(timedelta(hours=1))
@job("media.make_missing_downloads", lane="copy")
def make_missing_downloads() -> None:
    """Order the files that are not there: of films published before there were any, or after one was given up."""
    films = missing_downloads(db.session)
    if films:
        with transaction() as session:
            for film_slug in films:
                order_download(session, film_slug)
