"""What background work does by itself: it forgets what was done long ago."""

from datetime import timedelta

from store import clock
from store.jobs.enqueue import every, job
from store.jobs.models import Job
from store.jobs.prune import prune

KEPT = timedelta(days=30)


@every(timedelta(days=1))
@job("jobs.prune", lane="slow")
def prune_done() -> None:
    """Delete the jobs that were done more than thirty days ago. Those that were given up stay until somebody looks."""
    prune(Job.id, Job.done_at < clock.now() - KEPT)
