"""A customer's orders: found again by Stripe's Session or by our key, what is in them, which are under way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.checkout.models import Order
from store.prepaid_cards.models import Gift, PrepaidCard

MOST_UNDER_WAY = 20


@dataclass(frozen=True)
class OrderedCard:
    """One card of an order, and to whom it goes if it is given."""

    card: PrepaidCard
    gift: Gift | None


@dataclass(frozen=True)
class OrderUnderWay:
    """An order that may still be paid (`pending`) or whose bank has announced a debit (`processing`)."""

    order: Order
    film_title: str | None


def by_session(session: Session, customer_id: int, session_id: str) -> Order | None:
    """The customer's order that this Session of Stripe's pays, as it stands now; None for somebody else's and for none."""
    return _own(session, customer_id, Order.stripe_session_id == session_id)


def by_key(session: Session, customer_id: int, key: str) -> Order | None:
    """The same by our key."""
    return _own(session, customer_id, Order.key == key)


def cards_of(session: Session, order: Order) -> list[OrderedCard]:
    """The order's cards, in the order in which they were asked for."""
    rows = session.execute(
        select(PrepaidCard, Gift)
        .outerjoin(Gift, Gift.card_id == PrepaidCard.id)
        .where(PrepaidCard.reference.in_(order.card_references))
        .order_by(PrepaidCard.id)
    )
    return [OrderedCard(card, gift) for card, gift in rows]


def under_way(session: Session, customer_id: int, at: datetime) -> list[OrderUnderWay]:
    """What the customer ordered and money may still come for, youngest first; at most `MOST_UNDER_WAY`."""
    may_be_paid = (Order.state == "pending") & (Order.expires_at > at) & Order.stripe_session_id.is_not(None)
    rows = session.execute(
        select(Order, Film.title)
        .outerjoin(Film, Film.slug == Order.film_slug)
        .where(Order.customer_id == customer_id, or_(may_be_paid, Order.state == "processing"))
        .order_by(Order.id.desc())
        .limit(MOST_UNDER_WAY)
    )
    return [OrderUnderWay(order, title) for order, title in rows]


def debit_for_film(session: Session, customer_id: int, film_slug: str) -> Order | None:
    """The order by which a bank debit for this film is under way, if there is one."""
    return session.scalar(
        select(Order)
        .where(
            Order.customer_id == customer_id,
            Order.purpose == "gap",
            Order.film_slug == film_slug,
            Order.state == "processing",
        )
        .limit(1)
    )


def _own(session: Session, customer_id: int, named: ColumnElement[bool]) -> Order | None:
    return session.scalar(
        select(Order).where(named, Order.customer_id == customer_id).execution_options(populate_existing=True)
    )
