"""Packaging, files to take home, and the end of old versions, in the background."""

from datetime import timedelta

from store import clock
from store.db import db, transaction
from store.jobs.enqueue import every, job
from store.media.download import make_download, missing_downloads, order_download
from store.media.old_versions import delete_old_versions, packaged_films
from store.media.progress import Cancelled
from store.media.publish import REFUSALS, publish
from store.playback.leases import running_recipes


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


@every(timedelta(days=1))
@job("media.delete_old_versions", lane="copy")
def delete_versions() -> None:
    """Delete what films were before, but for what somebody watches still."""
    at = clock.now()
    films, watched = packaged_films(db.session), running_recipes(db.session, at)
    for film_id, folder in films:
        delete_old_versions(film_id, folder, watched, at)
