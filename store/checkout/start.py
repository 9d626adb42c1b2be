"""Starting a purchase: our order first, then Stripe's Session under the order's key, then the two joined.

Each step is a transaction of its own and safe to repeat, so that a crash between two of them costs nothing: the key was
persisted before the call that it protects, and the same key gives the same Session.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from store.audit.alert import raise_alert
from store.audit.models import Facts
from store.checkout.models import FOR_ONESELF, Order
from store.db import transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import CheckoutSession, OrderRefused
from store.language import language, site, speaking
from store.ledger.balance import credit_of, is_frozen
from store.ledger.post import WalletFrozen, lock_wallet
from store.prepaid_cards.gifts import GiftWish, wishes_of
from store.prepaid_cards.issue import issue_for_order
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.stop import stop_at

SESSION_LIFE = timedelta(minutes=60)
SHORTEST_SESSION = timedelta(minutes=31)
TERMS_VERSION = "2026-11"


@dataclass(frozen=True)
class FilmWish:
    """The film that a purchase is for: its slug, the act (`rent` or `buy`), and what that costs, in cents."""

    slug: str
    act: str | None = None
    price_cents: int | None = None


@dataclass(frozen=True)
class Purchase:
    """What a customer asks for: `quantity` cards, all alike; price and credit, in cents, are those of one card.

    They are for oneself (`self`), gifts (`gift`, one of `gifts` for each), for the pool (`suspended`), or one card of
    what is missing for `film` (`gap`). `form_key` makes two presses of one button one order.
    """

    customer_id: int
    wallet_id: int
    email: str
    purpose: str
    card_price_cents: int
    card_credit_cents: int
    quantity: int = 1
    gifts: Sequence[GiftWish] = ()
    film: FilmWish | None = None
    form_key: str | None = None


def start(purchase: Purchase, label: Callable[[], str], at: datetime) -> str:
    """The address of Stripe's page on which to pay. Raises WalletFull, WalletFrozen, StripeUnavailable, OrderRefused.

    `label` says what is bought, in the language of the moment.
    """
    with transaction() as session:
        order = place_order(session, purchase, current_app.config["SHOP_CURRENCY"], at)
    stop_at("checkout.ordered")
    known = stripe_gateway.fetch_session(order.stripe_session_id) if order.stripe_session_id else None
    if known and known.url:
        return known.url  # a second press: its words may have changed since, and the key allows for one wording
    try:
        with speaking(order.language):
            checkout = open_session(order, purchase.email, label())
    except OrderRefused as refusal:
        _tell_staff(order, refusal, at)
        raise
    stop_at("checkout.session_made")
    with transaction() as session:
        join(session, order.key, checkout)
    stop_at("checkout.joined")
    return checkout.url or ""


def place_order(session: Session, purchase: Purchase, currency: str, at: datetime) -> Order:
    """A pending order; the same one again for a form that was sent twice, unless it was changed between.

    Raises WalletFull, and WalletFrozen for a film that this credit could not pay.
    """
    wallet = lock_wallet(session, purchase.wallet_id)
    if purchase.purpose == "gap" and is_frozen(session, wallet.id):
        raise WalletFrozen(wallet.id)
    earlier = _earlier_order(session, purchase)
    if earlier:
        if _asks_for_the_same(session, earlier, purchase) and _can_still_be_paid(earlier, at):
            return earlier
        purchase = replace(purchase, form_key=None)
    if purchase.purpose in FOR_ONESELF:
        _require_room(session, purchase, at)
    order = _new_order(purchase, currency, at)
    session.add(order)
    session.flush()
    _issue_cards(session, order, purchase.gifts, at)
    return order


def open_session(order: Order, email: str, label: str) -> CheckoutSession:
    """Stripe's Session for the order; repeated, the same one."""
    pages = current_app.config["SHOP_URL"] + site()
    return stripe_gateway.create_session(
        key=order.key,
        label=label,
        unit_amount=order.card_price_cents,
        quantity=order.quantity,
        currency=order.currency,
        email=email,
        success_url=f"{pages}/paiement/retour?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{pages}/paiement/abandon?commande={order.key}",
        locale=language(),
        expires_at=order.expires_at,
    )


def join(session: Session, order_key: str, checkout: CheckoutSession) -> None:
    """Note in the order which Session is its own."""
    session.execute(update(Order).where(Order.key == order_key).values(stripe_session_id=checkout.id))


def _tell_staff(order: Order, refusal: OrderRefused, at: datetime) -> None:
    """Once a day for each of Stripe's reasons: while it lasts, nobody can buy."""
    with transaction() as session:
        facts: Facts = {"order": order.key, "amount": order.price_cents, "reference": str(refusal)}
        raise_alert(session, "order_refused", f"order_refused:{refusal}:{at:%Y-%m-%d}", facts, at)


def _new_order(purchase: Purchase, currency: str, at: datetime) -> Order:
    film = purchase.film
    return Order(
        key=uuid.uuid4().hex,
        form_key=_form_of(purchase),
        customer_id=purchase.customer_id,
        purpose=purchase.purpose,
        quantity=purchase.quantity,
        price_cents=purchase.quantity * purchase.card_price_cents,
        credit_cents=purchase.quantity * purchase.card_credit_cents,
        currency=currency,
        film_slug=film.slug if film else None,
        film_act=film.act if film else None,
        film_price_cents=film.price_cents if film else None,
        terms_version=TERMS_VERSION,
        state="pending",
        created_at=at,
        expires_at=at + SESSION_LIFE,
        language=language(),
    )


def _issue_cards(session: Session, order: Order, gifts: Sequence[GiftWish], at: datetime) -> None:
    """The order's cards, worth nothing until it is paid. What is missing for a film is a card like any other."""
    issue_for_order(
        session,
        references=order.card_references,
        purpose="self" if order.is_for_oneself else order.purpose,
        price_cents=order.card_price_cents,
        credit_cents=order.card_credit_cents,
        currency=order.currency,
        bought_by=order.customer_id,
        at=at,
        keys=current_app.config["CODE_KEYS"],
        gifts=gifts,
        vat_mode=current_app.config["CARD_VAT_MODE"],
    )


def _form_of(purchase: Purchase) -> str | None:
    """A form is one customer's: whoever sends another's form orders for themselves."""
    return f"{purchase.customer_id}:{purchase.form_key}" if purchase.form_key else None


def _earlier_order(session: Session, purchase: Purchase) -> Order | None:
    """The order that a second press may mean: of the same form, or of the same sum for the same film."""
    if purchase.purpose == "gap" and purchase.film:
        query = select(Order).where(
            Order.customer_id == purchase.customer_id,
            Order.purpose == "gap",
            Order.film_slug == purchase.film.slug,
            Order.film_act == purchase.film.act,
            Order.price_cents == purchase.card_price_cents,
        )
        return session.scalar(query.order_by(Order.id.desc()).limit(1))
    if purchase.form_key:
        return session.scalar(select(Order).where(Order.form_key == _form_of(purchase)))
    return None


def _asks_for_the_same(session: Session, order: Order, purchase: Purchase) -> bool:
    """Whether a form that comes again is the one that made this order, in every field."""
    asked = (purchase.customer_id, purchase.purpose, purchase.quantity)
    asked_sums = (purchase.card_price_cents, purchase.card_credit_cents)
    ordered = (order.customer_id, order.purpose, order.quantity)
    ordered_sums = (order.card_price_cents, order.card_credit_cents)
    return (asked, asked_sums, purchase.film) == (ordered, ordered_sums, _film_of(order)) and wishes_of(
        session, order.card_references
    ) == list(purchase.gifts)


def _film_of(order: Order) -> FilmWish | None:
    return FilmWish(order.film_slug, order.film_act, order.film_price_cents) if order.film_slug else None


def _can_still_be_paid(order: Order, at: datetime) -> bool:
    """Whether its Session can be opened again, or for the first time: Stripe makes none that ends within half an hour."""
    time_needed = timedelta(0) if order.stripe_session_id else SHORTEST_SESSION
    return order.state == "pending" and order.expires_at > at + time_needed


def _require_room(session: Session, purchase: Purchase, at: datetime) -> None:
    """Credit and orders for oneself under way together stay within what a wallet may hold."""
    may_be_paid = and_(Order.state == "pending", Order.expires_at > at)
    under_way = session.scalars(
        select(func.coalesce(func.sum(Order.credit_cents), 0)).where(
            Order.customer_id == purchase.customer_id,
            Order.purpose.in_(FOR_ONESELF),
            or_(Order.state == "processing", may_be_paid),
        )
    ).one()
    room = WALLET_LIMIT_CENTS - credit_of(session, purchase.wallet_id, at) - int(under_way)
    if purchase.quantity * purchase.card_credit_cents > room:
        raise WalletFull(room)
