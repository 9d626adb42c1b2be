"""Packaging in the background."""

from store.jobs.enqueue import job
from store.media.progress import Cancelled
from store.media.publish import REFUSALS, publish


@job("media.publish", lane="slow")
def publish_film(film_slug: str) -> None:
    """Publish a film; one that is refused or cancelled is not tried again, its row says why."""
    try:
        publish(film_slug)
    except (*REFUSALS, Cancelled):
        return
