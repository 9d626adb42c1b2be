"""The sole door to Stripe, through its unmodified SDK; the sandbox is reached by the same words at another address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import stripe
from flask import current_app

SIGNATURE_TOLERANCE_S = 300
REAL_API = "https://api.stripe.com"
FAILED_INTENTS = {"requires_payment_method", "canceled"}


class StripeUnavailable(Exception):
    """Stripe did not answer, or not usefully; the same call with the same key may be tried again."""


class ForgedEvent(Exception):
    """The webhook's body does not carry a fresh signature by one of our secrets."""


@dataclass(frozen=True)
class CheckoutSession:
    """What we rely on of a Checkout Session; `amount` is in cents.

    `payment_failed` tells a completed Session whose bank debit did not succeed from one whose debit is still under way: both
    are unpaid. Its PaymentIntent asks for another payment method then (docs.stripe.com/payments/paymentintents/lifecycle).
    """

    id: str
    url: str | None
    mode: str
    status: str
    payment_status: str
    amount: int
    currency: str
    reference: str | None
    payment_intent_id: str | None
    payment_failed: bool


def create_session(
    *,
    key: str,
    label: str,
    unit_amount: int,
    quantity: int,
    currency: str,
    email: str,
    success_url: str,
    cancel_url: str,
    locale: str,
    expires_at: datetime,
) -> CheckoutSession:
    """A Checkout Session for one payment of `quantity` times `unit_amount` cents.

    `key` is our order's: reference, metadata and idempotency key at once.
    """
    params: Any = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": quantity,
                "price_data": {
                    "currency": currency.lower(),
                    "unit_amount": unit_amount,
                    "product_data": {"name": label},
                },
            }
        ],
        "client_reference_id": key,
        "metadata": {"order": key},
        "payment_intent_data": {"metadata": {"order": key}},
        "customer_email": email,
        "success_url": success_url,
        "cancel_url": cancel_url,
        "locale": locale,
        "expires_at": int(expires_at.timestamp()),
    }
    with _translated_errors():
        return _seen(_client().v1.checkout.sessions.create(params, {"idempotency_key": key}))


def fetch_session(session_id: str) -> CheckoutSession | None:
    """The Session as Stripe has it now; None if there is none of this id."""
    with _translated_errors():
        try:
            return _seen(_client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]}))
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise


def list_sessions(since: datetime) -> Iterator[CheckoutSession]:
    """Every Session that was made at or after `since`."""
    with _translated_errors():
        chosen: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.payment_intent"]}
        for session in _client().v1.checkout.sessions.list(chosen).auto_paging_iter():
            yield _seen(session)


def read_event(body: bytes, signature: str) -> dict[str, Any]:
    """The event that Stripe signed; raises ForgedEvent. Signatures by any of our secrets pass, so that they can rotate."""
    for secret in current_app.config["STRIPE_WEBHOOK_SECRETS"]:
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, SIGNATURE_TOLERANCE_S)
        except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
            continue
        return _event(body)
    raise ForgedEvent


def uses_sandbox() -> bool:
    """Whether this shop talks to the sandbox instead of Stripe."""
    return current_app.config["STRIPE_API_BASE"] != REAL_API


def sandbox_is_up() -> bool:
    """Whether the sandbox answers."""
    try:
        with urlopen(f"{current_app.config['STRIPE_API_BASE']}/_sandbox/health", timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
        well_formed = isinstance(event["id"], str) and isinstance(event["type"], str)
        well_formed = well_formed and isinstance(event["data"]["object"], dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise ForgedEvent
    return event


def _seen(session: Any) -> CheckoutSession:
    intent = session.payment_intent
    is_whole = intent is not None and not isinstance(intent, str)  # an id alone, unless it was asked for
    return CheckoutSession(
        id=session.id,
        url=session.url,
        mode=session.mode,
        status=session.status or "",
        payment_status=session.payment_status,
        amount=session.amount_total or 0,
        currency=(session.currency or "").upper(),
        reference=session.client_reference_id,
        payment_intent_id=intent.id if is_whole else intent,
        payment_failed=is_whole and session.status == "complete" and intent.status in FAILED_INTENTS,
    )


def _client() -> stripe.StripeClient:
    client = current_app.extensions.get("stripe_client")
    if client is None:
        client = current_app.extensions["stripe_client"] = stripe.StripeClient(
            current_app.config["STRIPE_SECRET_KEY"],
            base_addresses={"api": current_app.config["STRIPE_API_BASE"]},
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=20),
        )
    return client


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn what may pass by itself (network, Stripe's own faults, too many calls) into StripeUnavailable."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        raise StripeUnavailable(type(error).__name__) from None
