"""`/metrics`, for Prometheus: what the processes counted, and what the database says of the shop's work and money.

Several processes count into files of the folder PROMETHEUS_MULTIPROC_DIR (prometheus_client's own setting), which whoever
starts them empties; one process counts in its memory. What the database knows is asked when somebody looks.
"""

import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from ipaddress import ip_address

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from store import clock
from store.checkout.models import WebhookEvent
from store.db import db
from store.jobs.backlog import backlog, given_up
from store.jobs.work import some_worker_lives
from store.ledger.balance import last_audit, last_closing, outstanding
from store.web.watch import COUNTED

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """For who has METRICS_TOKEN, or asks this machine directly if there is none; to others an address of nothing."""
    if not _may_look():
        abort(404)
    registry = _counted()
    registry.register(_Shop())
    answer = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _may_look() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    # ast-grep-ignore: no-forwarded-address  # whoever adds it only shuts themselves out
    is_direct = "X-Forwarded-For" not in request.headers
    return is_direct and request.remote_addr is not None and ip_address(request.remote_addr).is_loopback


def _counted() -> CollectorRegistry:
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it carries no types
    else:
        registry.register(_AsCounted())
    return registry


class _AsCounted:
    """What this process counted."""

    def collect(self) -> Iterable[Metric]:
        """As it stands."""
        return COUNTED.collect()


class _Shop:
    """What the database says; without it, only that it is away."""

    def collect(self) -> Iterable[Metric]:
        """Read now."""
        try:
            return [
                *_of_the_work(clock.now()),
                *_of_the_money(clock.now()),
                _gauge("shop_database_up", "Whether it answers.", 1),
            ]
        except SQLAlchemyError:
            db.session.rollback()
            return [_gauge("shop_database_up", "Whether it answers.", 0)]


def _of_the_work(now: datetime) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("shop_jobs_waiting", "Jobs that are due or under way.", labels=["lane"])
    failing = GaugeMetricFamily("shop_jobs_failing", "Jobs among them that failed before.", labels=["lane"])
    oldest = GaugeMetricFamily(
        "shop_oldest_job_seconds", "For how long the oldest of them has been due.", labels=["lane"]
    )
    for lane, work in backlog(db.session, now).items():
        waiting.add_metric([lane], work.waiting)
        failing.add_metric([lane], work.failing)
        oldest.add_metric([lane], work.oldest_s)
    yield from (waiting, failing, oldest)
    yield _gauge("shop_jobs_given_up", "Jobs that wait for `jobs retry`.", given_up(db.session))
    yield _gauge("shop_worker_up", "Whether a worker showed itself lately.", some_worker_lives(db.session, now))
    last_event = db.session.scalar(select(func.max(WebhookEvent.received_at)))
    yield _age("shop_webhook_age_seconds", "Since Stripe last told something.", last_event, now)


def _of_the_money(now: datetime) -> Iterator[Metric]:
    owed = GaugeMetricFamily("shop_credit_outstanding_cents", "Stored value that the house owes.", labels=["kind"])
    for kind, cents in asdict(outstanding(db.session)).items():
        owed.add_metric([kind], cents)
    yield owed
    audit, closing = last_audit(db.session), last_closing(db.session)
    yield _age("shop_ledger_check_age_seconds", "Since the last audit of the books.", audit.at if audit else None, now)
    yield _gauge("shop_ledger_differences", "What the last audit found.", audit.differences if audit else float("nan"))
    yield _age(
        "shop_closing_age_seconds", "Since the last day was closed.", closing.closed_at if closing else None, now
    )


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _age(name: str, about: str, moment: datetime | None, now: datetime) -> Metric:
    """Seconds since then; not a number if it never was."""
    return _gauge(name, about, (now - moment).total_seconds() if moment else float("nan"))
