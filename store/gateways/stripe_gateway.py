"""The sole door to Stripe, through its unmodified SDK; the sandbox is reached by the same words at another address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import stripe
from flask import current_app

SIGNATURE_TOLERANCE_S = 300
REAL_API = "https://api.stripe.com"

PASSING = (
    stripe.APIConnectionError,
    stripe.APIError,
    stripe.RateLimitError,
    stripe.IdempotencyError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)
"""What may pass by itself, or once somebody has set a key right: nothing of ours is lost meanwhile."""
FAILED_INTENTS = {"requires_payment_method", "canceled"}


class StripeUnavailable(Exception):
    """Stripe did not answer, or not usefully; the same call with the same key may be tried again."""


class OrderRefused(Exception):
    """Stripe will not make this Session, now or later; the message is Stripe's code for why."""


class RefundRefused(Exception):
    """Stripe will not make this refund, now or later; the message is Stripe's code for why."""


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


@dataclass(frozen=True)
class StripeRefund:
    """What we rely on of a refund: cents, and `key`, our refund's, where we made it. `failure` is Stripe's word for why not."""

    id: str
    payment_intent_id: str | None
    amount: int
    currency: str
    status: str
    key: str | None
    failure: str | None


@dataclass(frozen=True)
class StripeDispute:
    """What we rely on of a dispute, in cents; `respond_by` is until when the bank hears our side."""

    id: str
    payment_intent_id: str | None
    amount: int
    currency: str
    status: str
    respond_by: datetime | None


@dataclass(frozen=True)
class BalanceMovement:
    """One balance transaction: what it added to Stripe's account of our money, in cents, and the fee taken from that.

    `category` is Stripe's reporting category; `source` the charge, refund, dispute or payout behind it.
    """

    id: str
    category: str
    amount: int
    fee: int
    currency: str
    source: str | None
    payment_intent_id: str | None


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
    """A Checkout Session for one payment of `quantity` times `unit_amount` cents; raises OrderRefused.

    `key` is our order's: reference, metadata and idempotency key at once. An address that Stripe refuses it asks for on its page.
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
        try:
            return _seen(_make_session(params, key))
        except stripe.InvalidRequestError as error:
            raise OrderRefused(error.code or "invalid_request") from None


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


def session_of_payment(payment_intent_id: str) -> CheckoutSession | None:
    """The Session whose payment this is; None if it came about without one."""
    with _translated_errors():
        chosen: Any = {"payment_intent": payment_intent_id, "limit": 1}
        found = _client().v1.checkout.sessions.list(chosen).data
        return _seen(found[0]) if found else None


def create_refund(*, key: str, payment_intent_id: str, amount: int) -> StripeRefund:
    """Pay `amount` cents of a payment back to where they came from. `key` is our refund's; raises RefundRefused."""
    params: Any = {"payment_intent": payment_intent_id, "amount": amount, "metadata": {"refund": key}}
    with _translated_errors():
        try:
            return _seen_refund(_client().v1.refunds.create(params, {"idempotency_key": key}))
        except stripe.InvalidRequestError as error:
            raise RefundRefused(error.code or "invalid_request") from None


def refunds_of(payment_intent_id: str) -> list[StripeRefund]:
    """All refunds of a payment, ours and those of Stripe's dashboard, the oldest first."""
    with _translated_errors():
        listing = _client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        return [_seen_refund(refund) for refund in listing.auto_paging_iter()][::-1]


def disputes_of(payment_intent_id: str) -> list[StripeDispute]:
    """All disputes of a payment, the oldest first."""
    with _translated_errors():
        listing = _client().v1.disputes.list({"payment_intent": payment_intent_id, "limit": 100})
        return [_seen_dispute(dispute) for dispute in listing.auto_paging_iter()][::-1]


def list_refunds(since: datetime) -> Iterator[StripeRefund]:
    """Every refund that was made at or after `since`."""
    with _translated_errors():
        listing = _client().v1.refunds.list({"created": {"gte": int(since.timestamp())}, "limit": 100})
        for refund in listing.auto_paging_iter():
            yield _seen_refund(refund)


def list_disputes(since: datetime) -> Iterator[StripeDispute]:
    """Every dispute that was opened at or after `since`."""
    with _translated_errors():
        listing = _client().v1.disputes.list({"created": {"gte": int(since.timestamp())}, "limit": 100})
        for dispute in listing.auto_paging_iter():
            yield _seen_dispute(dispute)


def list_balance_movements(since: datetime) -> Iterator[BalanceMovement]:
    """Every movement of Stripe's account of our money since then, the newest first."""
    with _translated_errors():
        chosen: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.source"]}
        for booked in _client().v1.balance_transactions.list(chosen).auto_paging_iter():
            source: Any = booked.source
            is_whole = source is not None and not isinstance(source, str)
            yield BalanceMovement(
                id=booked.id,
                category=booked.reporting_category,
                amount=booked.amount,
                fee=booked.fee,
                currency=booked.currency.upper(),
                source=source.id if is_whole else source,
                payment_intent_id=getattr(source, "payment_intent", None) if is_whole else None,
            )


def balance_cents(currency: str) -> int:
    """What Stripe holds for us in this currency, payable to our bank or not yet."""
    with _translated_errors():
        balance = _client().v1.balance.retrieve()
        parts: list[Any] = [*balance.available, *balance.pending]
        return sum(part.amount for part in parts if part.currency.upper() == currency)


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
        with urlopen(f"{current_app.config['STRIPE_API_BASE']}/_sandbox/health", timeout=2) as answer:  # noqa: S310  # config.py lets only http and https through
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


def _make_session(params: Any, key: str) -> Any:
    """The Session, without the customer's address if Stripe refuses that.

    Then it has a key of its own: one key stands for one content (docs.stripe.com/api/idempotent_requests).
    """
    create = _client().v1.checkout.sessions.create
    try:
        return create(params, {"idempotency_key": key})
    except stripe.InvalidRequestError as refusal:
        if refusal.param != "customer_email":
            raise
    without_address: Any = {name: value for name, value in params.items() if name != "customer_email"}
    return create(without_address, {"idempotency_key": f"{key}:without-address"})


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


def _seen_refund(refund: Any) -> StripeRefund:
    return StripeRefund(
        id=refund.id,
        payment_intent_id=refund.payment_intent,
        amount=refund.amount,
        currency=refund.currency.upper(),
        status=refund.status or "",
        key=refund.metadata.to_dict().get("refund") if refund.metadata else None,
        failure=getattr(refund, "failure_reason", None),
    )


def _seen_dispute(dispute: Any) -> StripeDispute:
    due_by = dispute.evidence_details.due_by
    return StripeDispute(
        id=dispute.id,
        payment_intent_id=dispute.payment_intent,
        amount=dispute.amount,
        currency=dispute.currency.upper(),
        status=dispute.status,
        respond_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
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
    except PASSING as error:
        raise StripeUnavailable(type(error).__name__) from None
