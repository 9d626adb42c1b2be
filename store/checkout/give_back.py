"""A film's price goes back to the credit that paid it; where a bank or a refund had pulled out more than was left, that is paid first.

Orders are locked before cards, and cards before wallets, as everywhere: so the orders behind a spend are sought first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.audit.models import Facts
from store.audit.record import record
from store.checkout.models import Order
from store.checkout.receipts import OF_AN_ORDER
from store.checkout.recover import recover
from store.jobs.enqueue import enqueue
from store.ledger.balance import credit_of
from store.prepaid_cards.holds import lock_cards
from store.rentals.refund import refund, wallet_of
from store.rentals.undo import TooLate, paid_from, undo, undoable


@dataclass(frozen=True)
class GivenBack:
    """A film's price, in cents, and what of it is credit again: not what its cards owed."""

    price_cents: int
    credit_cents: int


def undo_rental(session: Session, customer_id: int, wallet_id: int, film_slug: str, at: datetime) -> GivenBack:
    """Undo a rental that was never begun. Raises TooLate."""
    entitlement_id = undoable(session, customer_id, film_slug, at)
    if entitlement_id is None:
        raise TooLate(film_slug)
    orders = _lock_orders_behind(session, entitlement_id)
    before = credit_of(session, wallet_id, at)
    cents = undo(session, customer_id, wallet_id, film_slug, at)
    return _given_back(session, wallet_id, orders, before, cents, at)


def refund_film(session: Session, entitlement_id: int, reason: str, at: datetime) -> GivenBack:
    """Staff give the price of a film back that could not be watched, and end the right to it. Raises NotRefundable."""
    wallet_id = wallet_of(session, entitlement_id)
    orders = _lock_orders_behind(session, entitlement_id)
    before = credit_of(session, wallet_id, at)
    cents = refund(session, wallet_id, entitlement_id, at)
    given = _given_back(session, wallet_id, orders, before, cents, at)
    facts: Facts = {"amount": cents, "credited": given.credit_cents, "reason": reason}
    record(session, actor=None, act="film.refunded", subject=f"entitlement:{entitlement_id}", facts=facts, at=at)
    enqueue(session, "checkout.mail_film_refunded", {"entitlement_id": entitlement_id, "cents": given.credit_cents})
    return given


def _lock_orders_behind(session: Session, entitlement_id: int) -> list[Order]:
    """The orders whose cards paid for it, with these cards; what staff or a till sold has none."""
    named = map(OF_AN_ORDER.fullmatch, paid_from(session, entitlement_id))
    order_ids = {int(found[1]) for found in named if found}
    orders = session.scalars(
        select(Order).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update(key_share=True)
    ).all()
    lock_cards(session, [reference for order in orders for reference in order.card_references])
    return list(orders)


def _given_back(
    session: Session, wallet_id: int, orders: Sequence[Order], before: int, cents: int, at: datetime
) -> GivenBack:
    for order in orders:
        recover(session, order, at)
    return GivenBack(cents, credit_of(session, wallet_id, at) - before)
