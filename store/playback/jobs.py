"""What playing does by itself: it forgets who streamed what."""

from datetime import timedelta

from store import clock
from store.jobs.enqueue import every, job
from store.jobs.prune import prune
from store.playback.models import Lease

KEPT = timedelta(days=1)


@every(timedelta(hours=1))
@job("playback.prune_leases", lane="slow")
def prune_leases() -> None:
    """Delete the leases that have shown nothing for a day: their streams ended, or fell silent long before."""
    prune(Lease.id, Lease.seen_at < clock.now() - KEPT)
