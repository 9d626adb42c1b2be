"""Starting a purchase: our order first, then Stripe's Session under the order's key, then the two joined.

Each step is a transaction of its own and safe to repeat, so that a crash between two of them costs nothing: the key was
persisted before the call that it protects, and the same key gives the same Session.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from store.checkout.models import Order
from store.db import transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import CheckoutSession
from store.ledger.balance import credit_of
from store.ledger.post import lock_wallet
from store.prepaid_cards.activate import WALLET_LIMIT_CENTS
from store.prepaid_cards.models import Denomination
from store.stop import stop_at

SESSION_LIFE = timedelta(minutes=60)
TERMS_VERSION = "2026-11"


class WalletFull(Exception):
    """With this card the wallet would hold more than it may; `room_cents` says how much it still takes."""

    def __init__(self, room_cents: int) -> None:
        super().__init__(f"room for {room_cents} cents")
        self.room_cents = room_cents


@dataclass(frozen=True)
class Purchase:
    """What a customer asks for; `form_key` makes two presses of one button one order."""

    customer_id: int
    wallet_id: int
    email: str
    denomination: Denomination
    film_slug: str | None
    form_key: str | None


def start(purchase: Purchase, label: str, at: datetime) -> str:
    """The address of Stripe's page on which to pay. Raises WalletFull, StripeUnavailable."""
    with transaction() as session:
        order = place_order(session, purchase, current_app.config["SHOP_CURRENCY"], at)
    stop_at("checkout.ordered")
    checkout = open_session(order, purchase.email, label)
    stop_at("checkout.session_made")
    with transaction() as session:
        join(session, order.key, checkout)
    stop_at("checkout.joined")
    return checkout.url or ""


def place_order(session: Session, purchase: Purchase, currency: str, at: datetime) -> Order:
    """A pending order; the same one again for a form that was sent twice. Raises WalletFull."""
    lock_wallet(session, purchase.wallet_id)
    if purchase.form_key:
        earlier = session.scalar(select(Order).where(Order.form_key == purchase.form_key))
        if (
            earlier
            and earlier.customer_id == purchase.customer_id
            and earlier.state == "pending"
            and earlier.expires_at > at
        ):
            return earlier
        if earlier:
            purchase = replace(purchase, form_key=None)
    _require_room(session, purchase, at)
    order = Order(
        key=uuid.uuid4().hex,
        form_key=purchase.form_key,
        customer_id=purchase.customer_id,
        price_cents=purchase.denomination.price_cents,
        credit_cents=purchase.denomination.credit_cents,
        currency=currency,
        film_slug=purchase.film_slug,
        terms_version=TERMS_VERSION,
        state="pending",
        created_at=at,
        expires_at=at + SESSION_LIFE,
    )
    session.add(order)
    session.flush()
    return order


def open_session(order: Order, email: str, label: str) -> CheckoutSession:
    """Stripe's Session for the order; repeated, the same one."""
    shop = current_app.config["SHOP_URL"]
    return stripe_gateway.create_session(
        key=order.key,
        label=label,
        amount=order.price_cents,
        currency=order.currency,
        email=email,
        success_url=f"{shop}/paiement/retour?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{shop}/paiement/abandon",
        locale="fr",
        expires_at=order.expires_at,
    )


def join(session: Session, order_key: str, checkout: CheckoutSession) -> None:
    """Note in the order which Session is its own."""
    session.execute(update(Order).where(Order.key == order_key).values(stripe_session_id=checkout.id))


def _require_room(session: Session, purchase: Purchase, at: datetime) -> None:
    """Credit and pending orders together stay within what a wallet may hold."""
    pending = session.scalars(
        select(func.coalesce(func.sum(Order.credit_cents), 0)).where(
            Order.customer_id == purchase.customer_id, Order.state == "pending", Order.expires_at > at
        )
    ).one()
    room = WALLET_LIMIT_CENTS - credit_of(session, purchase.wallet_id, at) - int(pending)
    if purchase.denomination.credit_cents > room:
        raise WalletFull(room)
