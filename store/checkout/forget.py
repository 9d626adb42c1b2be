"""People in what this room keeps: none in Stripe's events, and, once an account is erased, none in its receipts."""

from typing import Any

from sqlalchemy import String, cast, select, update
from sqlalchemy.orm import Session

from store.checkout.models import Receipt, WebhookEvent

OF_THE_EVENT = ("id", "type", "created", "livemode", "api_version")
OF_THE_OBJECT = (
    *("id", "object", "status", "payment_status", "mode", "amount", "amount_total", "amount_refunded", "currency"),
    *("payment_intent", "charge", "client_reference_id", "metadata", "reason", "failure_reason", "created"),
)
"""What is kept of an event: nothing about a person, whom Stripe names with address, bank card and network."""


def without_people(event: dict[str, Any]) -> dict[str, Any]:
    """What we keep of an event."""
    about = event["data"]["object"]
    kept = {name: about[name] for name in OF_THE_OBJECT if name in about}
    return {name: event[name] for name in OF_THE_EVENT if name in event} | {"data": {"object": kept}}


def forget(session: Session, customer_id: int, email: str, pseudonym: str) -> None:
    """The customer's receipts name them by the pseudonym, and nothing else of them changes.

    Events that name the address were stored by the release before this one, while it was being replaced.
    """
    session.execute(
        update(Receipt)
        .where(Receipt.customer_id == customer_id, Receipt.buyer_name != pseudonym)
        .values(buyer_name=pseudonym, buyer_email="")
    )
    whole = select(WebhookEvent).where(cast(WebhookEvent.body, String).contains(email, autoescape=True))
    for event in session.scalars(whole):
        event.body = without_people(event.body)
