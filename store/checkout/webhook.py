"""Stripe's events: checked, kept once, and left to the worker."""

from typing import Any

from flask import Blueprint, abort, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from store import clock
from store.checkout.forget import without_people
from store.checkout.models import WebhookEvent
from store.db import insert_if_absent, table_of, transaction
from store.gateways.stripe_gateway import ForgedEvent, read_event
from store.jobs.enqueue import enqueue
from store.web.csrf import protect

blueprint = Blueprint("webhook", __name__)

LARGEST_BODY = 256 * 1024
PAYMENT_EVENTS = ("refund.", "charge.refund", "charge.dispute.")
SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}


@blueprint.post("/stripe/webhook")
@protect.exempt  # ast-grep-ignore: no-form-without-its-token  # Stripe signs what it sends
def receive() -> Response:
    """Store a signed event and enqueue its work; 400 for anything that Stripe did not sign just now."""
    if (request.content_length or 0) > LARGEST_BODY:
        abort(413)
    try:
        event = read_event(request.get_data(cache=False), request.headers.get("Stripe-Signature", ""))
    except ForgedEvent:
        abort(400)
    with transaction() as session:
        _keep_once(session, event)
    return Response(status=200)


def _keep_once(session: Session, event: dict[str, Any]) -> None:
    is_new = session.scalar(
        insert_if_absent(table_of(WebhookEvent), table_of(WebhookEvent).c.id)
        .values(id=event["id"], type=event["type"], body=without_people(event), received_at=clock.now())
        .returning(WebhookEvent.id)
    )
    if not is_new:
        return
    about = event["data"]["object"]
    payment_intent_id = about.get("payment_intent")
    if event["type"].startswith(PAYMENT_EVENTS) and isinstance(payment_intent_id, str):
        enqueue(session, "checkout.sync_payment", {"payment_intent_id": payment_intent_id})
    session_id = about.get("id")
    if event["type"] in SESSION_EVENTS and isinstance(session_id, str):
        enqueue(session, "checkout.settle", {"session_id": session_id})
