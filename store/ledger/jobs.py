"""What the books do by themselves."""

from datetime import timedelta

import structlog

from store import clock
from store.audit.alert import raise_alert
from store.db import snapshot, transaction
from store.jobs.enqueue import every, job
from store.ledger.close import close_days
from store.ledger.reconcile import differences, record

log = structlog.get_logger()


@every(timedelta(hours=1))
@job("ledger.close")
def close() -> None:
    """Close the days that have ended."""
    with transaction() as session:
        close_days(session, clock.shop_zone(), clock.now())


@every(timedelta(days=1))
@job("ledger.audit", lane="slow")
def audit() -> None:
    """Audit the books, keep the outcome for `/preuve`, and tell staff, once a day, if something differs."""
    with snapshot() as session:
        found = list(differences(session))
    for difference in found:
        log.error("the books differ", difference=difference)
    now, key = clock.now(), f"ledger_differences:{clock.today()}"
    with transaction() as session:
        record(session, len(found), now)
        if found:
            raise_alert(session, "ledger_differences", key, {"count": len(found)}, now)
