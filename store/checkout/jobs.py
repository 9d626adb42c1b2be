"""What the checkout does in the background."""

from collections.abc import Callable
from datetime import timedelta

from store import clock
from store.audit.alert import raise_alert
from store.audit.models import Facts
from store.checkout import letters
from store.checkout.fulfil import settle
from store.checkout.grant_film import grant_film
from store.checkout.models import WebhookEvent
from store.checkout.reconcile import USUAL_PERIOD, reconcile
from store.checkout.refund import send
from store.checkout.sync import sync_payment
from store.db import transaction
from store.jobs.enqueue import every, job
from store.jobs.prune import prune

EVENTS_KEPT = timedelta(days=90)
"""Stripe repeats an event for three days; what was settled is known by its payment, not by its event."""
MOST_TOLD = 5
"""Differences that an alert repeats; it counts the others."""


@job("checkout.settle")
def settle_session(session_id: str) -> None:
    """A webhook announced that something became of a Session."""
    settle(session_id)


@job("checkout.grant_film")
def grant_ordered_film(order_id: int) -> None:
    """Give the film that a paid order was for, where nobody came back to ask for it."""
    grant_film(order_id, clock.now())


@job("checkout.sync_payment")
def sync(payment_intent_id: str) -> None:
    """A webhook announced that a payment was refunded or disputed."""
    sync_payment(payment_intent_id)


@job("checkout.send_refund")
def send_refund(refund_id: int) -> None:
    """A refund was reserved."""
    send(refund_id)


@every(timedelta(days=1))
@job("checkout.reconcile", lane="slow")
def reconcile_with_stripe() -> None:
    """Compare the last thirty days with Stripe, and tell staff what was found."""
    now = clock.now()
    found = list(reconcile(now - USUAL_PERIOD, now))
    if found:
        with transaction() as session:
            facts: Facts = {"count": len(found), "first": found[:MOST_TOLD]}
            raise_alert(session, "reconcile_differences", f"reconcile:{now.isoformat()}", facts, now)


@every(timedelta(days=1))
@job("checkout.prune_events", lane="slow")
def prune_events() -> None:
    """Delete Stripe's events of ninety days ago: they name people, and nothing reads them any more."""
    prune(WebhookEvent.id, WebhookEvent.received_at < clock.now() - EVENTS_KEPT)


LETTERS: dict[str, Callable[..., None]] = {
    "mail_confirmation": letters.confirm,
    "mail_failed": letters.tell_of_failed_payment,
    "mail_film_missed": letters.tell_of_missed_film,
    "mail_film_refunded": letters.tell_of_refunded_film,
    "mail_credit_note": letters.send_credit_note,
    "mail_restored_sale": letters.send_restored_sale,
    "mail_withdrawal": letters.acknowledge_withdrawal,
    "mail_refund_failed": letters.tell_of_failed_refund,
}
for name, write in LETTERS.items():
    job(f"checkout.{name}")(write)
