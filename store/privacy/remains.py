"""What is left when a customer leaves: credit, cards that can be given back, gifts still to be sent, money under way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.checkout.models import Order, Refund
from store.checkout.orders import OrderUnderWay, under_way
from store.checkout.withdraw import Withdrawable, withdrawable
from store.ledger.balance import credit_of, is_frozen
from store.prepaid_cards.forget import waiting_gifts
from store.prepaid_cards.models import Gift

MOST_OFFERS = 50


@dataclass(frozen=True)
class Remains:
    """Sums in cents. `offers` are the cards that can be given back, `gifts` those of one's own still to be mailed."""

    credit_cents: int
    offers: list[Withdrawable]
    gifts: list[Gift]
    payments: list[OrderUnderWay]
    is_frozen: bool

    @property
    def own_offers(self) -> list[Withdrawable]:
        """Cards in one's own wallet: whoever leaves wants their money back."""
        return [offer for offer in self.offers if offer.card.wallet_id is not None]

    @property
    def may_leave(self) -> bool:
        """Whether nothing is owed, and no money is on its way that would find nobody."""
        return not self.is_frozen and not self.payments

    def lost_cents(self, card_ids: set[int]) -> int:
        """The credit that ends with the account once these cards are given back."""
        given_back = (offer.cents + offer.bonus_cents for offer in self.own_offers if offer.card.id in card_ids)
        return self.credit_cents - sum(given_back)


def remains_of(session: Session, customer_id: int, wallet_id: int, at: datetime) -> Remains:
    """What is left of a customer's at this instant."""
    offers, _more = withdrawable(session, customer_id, at, limit=MOST_OFFERS)
    frozen = is_frozen(session, wallet_id)
    return Remains(
        credit_cents=credit_of(session, wallet_id, at),
        offers=[] if frozen else offers,
        gifts=waiting_gifts(session, customer_id),
        payments=under_way(session, customer_id, at),
        is_frozen=frozen,
    )


def is_under_way(session: Session, customer_id: int, at: datetime) -> bool:
    """Whether refunds, payments or gifts of a customer who left are not at their end yet."""
    refunds = (
        select(Refund.id)
        .join(Order, Order.id == Refund.order_id)
        .where(Order.customer_id == customer_id, Refund.state.in_(("reserved", "pending")))
        .limit(1)
    )
    return (
        session.scalar(refunds) is not None
        or bool(under_way(session, customer_id, at))
        or bool(waiting_gifts(session, customer_id))
    )
