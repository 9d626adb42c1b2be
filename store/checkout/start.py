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
from store.prepaid_cards.gifts import GiftWish, wish_of
from store.prepaid_cards.issue import issue_for_order
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.stop import stop_at

SESSION_LIFE = timedelta(minutes=60)
SHORTEST_SESSION = timedelta(minutes=31)
TERMS_VERSION = "2026-11"


@dataclass(frozen=True)
class Purchase:
    """What a customer asks for: a card for oneself (`self`), as a `gift` or for the pool (`suspended`), its price and credit.

    `form_key` makes two presses of one button one order.
    """

    customer_id: int
    wallet_id: int
    email: str
    purpose: str
    price_cents: int
    credit_cents: int
    gift: GiftWish | None
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
    """A pending order; the same one again for a form that was sent twice, unless it was changed between. Raises WalletFull."""
    lock_wallet(session, purchase.wallet_id)
    if purchase.form_key:
        earlier = session.scalar(select(Order).where(Order.form_key == purchase.form_key))
        if earlier and _asks_for_the_same(session, earlier, purchase) and _can_still_be_paid(earlier, at):
            return earlier
        if earlier:
            purchase = replace(purchase, form_key=None)
    if purchase.purpose == "self":
        _require_room(session, purchase, at)
    order = Order(
        key=uuid.uuid4().hex,
        form_key=purchase.form_key,
        customer_id=purchase.customer_id,
        purpose=purchase.purpose,
        price_cents=purchase.price_cents,
        credit_cents=purchase.credit_cents,
        currency=currency,
        film_slug=purchase.film_slug,
        terms_version=TERMS_VERSION,
        state="pending",
        created_at=at,
        expires_at=at + SESSION_LIFE,
    )
    session.add(order)
    session.flush()
    issue_card(session, order, purchase.gift, at)
    return order


def issue_card(session: Session, order: Order, gift: GiftWish | None, at: datetime) -> PrepaidCard:
    """The order's card, worth nothing until it is paid; repeated, the same one."""
    return issue_for_order(
        session,
        reference=card_reference(order.id),
        purpose=order.purpose,
        price_cents=order.price_cents,
        credit_cents=order.credit_cents,
        currency=order.currency,
        bought_by=order.customer_id,
        at=at,
        keys=current_app.config["CODE_KEYS"],
        gift=gift,
    )


def card_reference(order_id: int) -> str:
    """How the card of an order is called."""
    return f"order:{order_id}"


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


def _asks_for_the_same(session: Session, order: Order, purchase: Purchase) -> bool:
    """Whether a form that comes again is the one that made this order, in every field."""
    asked = (purchase.customer_id, purchase.purpose, purchase.price_cents, purchase.credit_cents, purchase.film_slug)
    ordered = (order.customer_id, order.purpose, order.price_cents, order.credit_cents, order.film_slug)
    return asked == ordered and wish_of(session, card_reference(order.id)) == purchase.gift


def _can_still_be_paid(order: Order, at: datetime) -> bool:
    """Whether its Session can be opened again, or for the first time: Stripe makes none that ends within half an hour."""
    time_needed = timedelta(0) if order.stripe_session_id else SHORTEST_SESSION
    return order.state == "pending" and order.expires_at > at + time_needed


def _require_room(session: Session, purchase: Purchase, at: datetime) -> None:
    """Credit and pending orders for oneself together stay within what a wallet may hold."""
    pending = session.scalars(
        select(func.coalesce(func.sum(Order.credit_cents), 0)).where(
            Order.customer_id == purchase.customer_id,
            Order.purpose == "self",
            Order.state == "pending",
            Order.expires_at > at,
        )
    ).one()
    room = WALLET_LIMIT_CENTS - credit_of(session, purchase.wallet_id, at) - int(pending)
    if purchase.credit_cents > room:
        raise WalletFull(room)
