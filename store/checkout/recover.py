"""What comes back to an order's cards, after more was pulled out of its payment than was left of them, is no new credit.

A refund in Stripe's dashboard left a debt, or a dispute a loss; then another refund fails, or a film that the cards paid for is
given back. What they hold then makes the debt smaller, and after it the loss: also that of a debt which the shop bore. Who paid
it at the till keeps what comes back.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.checkout.models import Dispute, Order, Refund
from store.customers.models import Customer
from store.ledger.chart import BAD_DEBTS, CUSTOMER_DEBTS, TILL
from store.ledger.models import Journal, Posting
from store.ledger.post import lock_wallet, unfreeze
from store.prepaid_cards.holds import give_up, hold_cards, lock_cards, taken_by
from store.prepaid_cards.models import PrepaidCard

LIVE = ("reserved", "pending", "succeeded")
"""States in which a refund counts against what was paid."""

BOOKED = ("pending", "succeeded")
"""States in which Stripe has taken the money from what it holds for us."""


def recover(session: Session, order: Order, at: datetime) -> None:
    """Let what is left of the order's cards pay what is owed for them. The caller holds the order's lock."""
    cards = lock_cards(session, order.card_references)
    _pay_debts(session, order, cards, at)
    disputes = select(Dispute).where(Dispute.order_id == order.id, Dispute.state != "won").order_by(Dispute.id)
    for known in session.scalars(disputes).all():
        hold_for(session, order, known, at)
        if known.state == "lost":
            give_up(session, known.reference, BAD_DEBTS, at)


def hold_for(session: Session, order: Order, known: Dispute, at: datetime) -> int:
    """Hold what is left, up to what the dispute and the order's refunds together may reverse; returns what it holds in all."""
    held = sum(taken_by(session, known.reference).values())
    most = min(known.amount_cents, order.price_cents - refunded_cents(session, order.id)) - held
    cards = lock_cards(session, order.card_references)
    return held + hold_cards(session, cards, max(most, 0), cause=known.reference, at=at, with_bonus=True)


def refunded_cents(session: Session, order_id: int) -> int:
    """What of an order was paid back, or is on its way back, in cents."""
    asked = select(func.coalesce(func.sum(Refund.amount_cents), 0)).where(
        Refund.order_id == order_id, Refund.state.in_(LIVE)
    )
    return int(session.scalars(asked).one())


def settled_to(session: Session, known: Refund) -> str | None:
    """The account to which the debt of a refund was settled before; None if it stands."""
    settled = (
        select(Posting.debit_account)
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.idempotency_key == f"{known.reference}:debt_settled")
    )
    return session.scalar(settled)


def wallet_of(session: Session, order: Order) -> int:
    """The wallet of who placed the order, and owes for it."""
    return session.scalars(select(Customer.wallet_id).where(Customer.id == order.customer_id)).one()


def _pay_debts(session: Session, order: Order, cards: Sequence[PrepaidCard], at: datetime) -> None:
    owing = select(Refund).where(Refund.order_id == order.id, Refund.state.in_(BOOKED), Refund.owed_cents > 0)
    for owed in session.scalars(owing.order_by(Refund.id)).all():
        was_settled_to = settled_to(session, owed)
        if was_settled_to == TILL:
            continue
        held = hold_cards(session, cards, owed.owed_cents, cause=owed.reference, at=at)
        give_up(session, owed.reference, was_settled_to or CUSTOMER_DEBTS, at)
        owed.owed_cents -= held
        if not owed.owed_cents and was_settled_to is None:
            unfreeze(session, lock_wallet(session, wallet_of(session, order)), reference=owed.reference, at=at)
