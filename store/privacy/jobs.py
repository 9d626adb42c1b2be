"""What this room does in the background."""

from datetime import timedelta

from store import clock
from store.jobs.enqueue import every, job
from store.jobs.prune import prune
from store.privacy import archives, erase
from store.privacy.models import Archive


@job("privacy.gather")
def gather(customer_id: int) -> None:
    """Make a customer's archive."""
    archives.make(customer_id)


@every(timedelta(hours=6))
@job("privacy.prune", lane="slow")
def prune_archives() -> None:
    """Delete the archives whose seven days are over."""
    prune(Archive.customer_id, archives.is_over(clock.now()))


@job("privacy.erase")
def erase_customer(customer_id: int) -> None:
    """A customer closed their account."""
    erase.erase(customer_id)


@job("privacy.discard_farewell")
def discard_farewell(customer_id: int) -> None:
    """An hour after the last letter."""
    erase.discard_farewell(customer_id)
