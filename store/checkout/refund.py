"""Paying back: what is left of an order's cards is reserved, Stripe is asked under our refund's key, then it is settled.

Each step is a transaction of its own and safe to repeat; the key was persisted before the call that it protects, so that two
equal refunds are two and a repeated one is one. What was refunded in Stripe's dashboard takes the same way from its middle on.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from store import clock
from store.audit.alert import raise_alert
from store.audit.models import Facts
from store.audit.record import record
from store.checkout.models import Dispute, Order, Refund
from store.checkout.receipts import Line, issue_credit_note, issue_restored_sale, refund_line
from store.checkout.recover import BOOKED, recover, refunded_cents, settled_to, wallet_of
from store.db import db, transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import RefundRefused, StripeRefund
from store.jobs.enqueue import enqueue
from store.ledger.chart import BAD_DEBTS, CUSTOMER_DEBTS, STRIPE_CLEARING, TILL
from store.ledger.post import Entry, NewLot, deposit, freeze, lock_wallet, transfer, unfreeze
from store.prepaid_cards.holds import (
    give_up,
    hold_cards,
    left_on,
    lock_cards,
    release,
    take_again,
    taken_by,
    vat_taken_by,
)
from store.prepaid_cards.models import PrepaidCard
from store.stop import stop_at

STATE_OF_STATUS = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}


class NothingToRefund(Exception):
    """There is no paid order of this name, or so much of it is not left; `left_cents` says how much is."""

    def __init__(self, left_cents: int) -> None:
        super().__init__(f"{left_cents} cents are left")
        self.left_cents = left_cents


def refund(order_id: int, cents: int | None, at: datetime) -> Refund:
    """Pay back `cents` of what is left of an order's cards, all of it if None; returns the refund as it stands afterwards.

    Raises NothingToRefund; StripeUnavailable when Stripe does not answer, and then the worker goes on by itself.
    """
    with transaction() as session:
        refund_id = reserve(session, order_id, cents, origin="staff", at=at)
        facts: Facts = {"order": order_id, "amount": cents}
        record(session, actor=None, act="refund.asked", subject=f"refund:{refund_id}", facts=facts, at=at)
    stop_at("refund.reserved")
    send(refund_id)
    return db.session.get_one(Refund, refund_id, populate_existing=True)


def reserve(
    session: Session,
    order_id: int,
    cents: int | None,
    *,
    origin: str,
    at: datetime,
    references: Sequence[str] | None = None,
) -> int:
    """Hold what will be paid back, where nobody can spend it meanwhile; returns the refund's id. Raises NothingToRefund.

    `references` names some of the order's cards; a withdrawal ends them, and all their bonus with them.
    """
    order = session.scalar(
        select(Order).where(Order.id == order_id, Order.state == "paid").with_for_update(key_share=True)
    )
    if order is None:
        raise NothingToRefund(0)
    cards = lock_cards(session, references or order.card_references)
    left = min(sum(left_on(session, card, at) for card in cards), _not_reversed(session, order))
    wanted = left if cents is None else cents
    if not 0 < wanted <= left:
        raise NothingToRefund(left)
    asked = _note(session, order, wanted, origin=origin, key=uuid.uuid4().hex, at=at)
    _hold(session, asked, cards, at)
    enqueue(session, "checkout.send_refund", {"refund_id": asked.id})
    return asked.id


def send(refund_id: int) -> None:
    """Ask Stripe for a refund that is reserved, unless Stripe has it: keys are forgotten after a day, refunds are not.

    Raises StripeUnavailable.
    """
    asked = db.session.get_one(Refund, refund_id, populate_existing=True)
    order = db.session.get_one(Order, asked.order_id)
    key, amount, state, intent_id = asked.key, asked.amount_cents, asked.state, order.stripe_payment_intent_id or ""
    db.session.rollback()
    if state != "reserved":
        return
    made = next((known for known in stripe_gateway.refunds_of(intent_id) if known.key == key), None)
    try:
        made = made or stripe_gateway.create_refund(key=key, payment_intent_id=intent_id, amount=amount)
    except RefundRefused as refusal:
        with transaction() as session:
            _fail(session, _locked(session, Refund.id == refund_id), str(refusal), clock.now())
        return
    stop_at("refund.made")
    settle_refund(made)


def settle_refund(seen: StripeRefund) -> None:
    """Bring our refund to where Stripe's stands, once, whoever says so and in whatever order; a strange one becomes known."""
    at = clock.now()
    with transaction() as session:
        ours = _locked(session, Refund.key == seen.key) if seen.key else None
        if ours is not None and ours.stripe_refund_id not in (None, seen.id):
            ours = None  # a second one under our key: a refund like any of the dashboard's
        known = ours or _locked(session, Refund.stripe_refund_id == seen.id) or _take_up(session, seen, at)
        stop_at("refund.locked")
        if known is None:
            return
        known.stripe_refund_id = seen.id
        _move_on(session, known, STATE_OF_STATUS.get(seen.status, "pending"), seen.failure, at)
        stop_at("refund.booked")
    stop_at("refund.settled")


def lock_order(session: Session, order_id: int) -> None:
    """All that touch one order's money take its lock first, then its cards, then wallets."""
    session.execute(select(Order.id).where(Order.id == order_id).with_for_update(key_share=True))


def settle_debt(session: Session, refund_id: int, *, was_paid: bool, at: datetime) -> int:
    """End what is owed for a refund beyond what was left: paid at the till, or borne by the shop; returns the cents, 0 for none."""
    known = _locked(session, Refund.id == refund_id)
    if known is None or known.state not in BOOKED or not known.owed_cents or settled_to(session, known):
        return 0
    order = session.get_one(Order, known.order_id)
    paid_to = TILL if was_paid else BAD_DEBTS
    _transfer_debt(session, known, order, "debt_settled", Entry(paid_to, CUSTOMER_DEBTS, known.owed_cents), at)
    unfreeze(session, lock_wallet(session, wallet_of(session, order)), reference=known.reference, at=at)
    return known.owed_cents


def _move_on(session: Session, known: Refund, state: str, failure: str | None, at: datetime) -> None:
    is_older_news = state == "pending" and known.state == "succeeded"
    if state == known.state or known.state == "failed" or is_older_news:
        return
    if state == "failed":
        _fail(session, known, failure or "unknown", at)
        return
    if known.state == "reserved":
        _book(session, known, at)
    known.state = state
    if state == "succeeded":
        _finish(session, known, at)


def _book(session: Session, known: Refund, at: datetime) -> None:
    """Stripe has taken the money from what it holds for us, pending or not: so do the books."""
    give_up(session, known.reference, STRIPE_CLEARING, at)
    order = session.get_one(Order, known.order_id)
    if known.owed_cents:
        _book_debt(session, known, order, at)
    if known.origin == "stripe":
        _tell_of_the_dashboard(session, known, order, at)


def _finish(session: Session, known: Refund, at: datetime) -> None:
    """The money is back with the customer, who gets a credit note."""
    known.ended_at = at
    order = session.get_one(Order, known.order_id)
    issue_credit_note(
        session,
        refund_reference=known.reference,
        order_id=order.id,
        customer_id=order.customer_id,
        cents=known.amount_cents,
        vat_cents=vat_taken_by(session, known.reference),
        lines=_lines(session, known, order),
        at=at,
    )


def _fail(session: Session, known: Refund | None, failure: str, at: datetime) -> None:
    """Everything as if it had not been asked for; what Stripe had taken for it comes back."""
    if known is None or known.state == "failed":
        return
    order, was = session.get_one(Order, known.order_id), known.state
    if was != "reserved":
        take_again(session, known.reference, STRIPE_CLEARING, at)
    lock_cards(session, order.card_references)
    release(session, known.reference, at)
    if was != "reserved" and known.owed_cents:
        _return_debt(session, known, order, at)
    if was == "succeeded":
        issue_restored_sale(session, refund_reference=known.reference, at=at)
    known.state, known.failure, known.ended_at = "failed", failure, at
    recover(session, order, at)
    facts: Facts = {"refund": known.stripe_refund_id or known.key, "order": order.id, "amount": known.amount_cents}
    raise_alert(session, "refund_failed", f"{known.reference}:failed", facts, at)
    if known.origin != "stripe" and was != "succeeded":  # of one that had arrived the receipt tells
        enqueue(session, "checkout.mail_refund_failed", {"refund_id": known.id})
    if order.stripe_payment_intent_id:  # a dispute that we have not heard of may be why
        enqueue(session, "checkout.sync_payment", {"payment_intent_id": order.stripe_payment_intent_id})


def _take_up(session: Session, seen: StripeRefund, at: datetime) -> Refund | None:
    """A refund of Stripe's dashboard: from now on known. None if it is of no order of ours."""
    order = session.scalar(
        select(Order)
        .where(Order.stripe_payment_intent_id == seen.payment_intent_id, Order.state == "paid")
        .with_for_update(key_share=True)
    )
    if order is None:
        return None
    again = _locked(session, Refund.stripe_refund_id == seen.id)  # somebody took it up while we waited for the order
    if again is not None:
        return again
    found = _note(session, order, seen.amount, origin="stripe", key=uuid.uuid4().hex, at=at)
    if STATE_OF_STATUS.get(seen.status) != "failed":
        _hold(session, found, lock_cards(session, order.card_references), at)
    return found


def _note(session: Session, order: Order, cents: int, *, origin: str, key: str, at: datetime) -> Refund:
    asked = Refund(
        key=key, order_id=order.id, origin=origin, amount_cents=cents, owed_cents=0, state="reserved", asked_at=at
    )
    session.add(asked)
    session.flush()
    return asked


def _hold(session: Session, asked: Refund, cards: Sequence[PrepaidCard], at: datetime) -> None:
    ends_cards = asked.origin == "withdrawal"
    held = hold_cards(session, cards, asked.amount_cents, cause=asked.reference, at=at, with_bonus=ends_cards)
    asked.owed_cents = asked.amount_cents - held
    if asked.owed_cents and asked.origin != "stripe":
        raise NothingToRefund(held)


def _locked(session: Session, condition: ColumnElement[bool]) -> Refund | None:
    """The refund, with its order's lock, which all that touch one order take first."""
    order_id = session.scalar(select(Refund.order_id).where(condition))
    if order_id is None:
        return None
    lock_order(session, order_id)
    return session.scalar(select(Refund).where(condition).execution_options(populate_existing=True))


def _not_reversed(session: Session, order: Order) -> int:
    """What refunds and disputes have not pulled back of the payment: together they reverse at most that."""
    disputed = select(func.coalesce(func.sum(Dispute.amount_cents), 0)).where(
        Dispute.order_id == order.id, Dispute.state != "won"
    )
    return order.price_cents - refunded_cents(session, order.id) - int(session.scalars(disputed).one())


def _lines(session: Session, known: Refund, order: Order) -> list[Line]:
    """What of each card was paid back; what nobody had left stands with the first."""
    cards = lock_cards(session, order.card_references)
    cents = taken_by(session, known.reference)
    cents[cards[0].id] = cents.get(cards[0].id, 0) + known.owed_cents
    return [refund_line(card, cents[card.id]) for card in cards if cents.get(card.id)]


def _book_debt(session: Session, known: Refund, order: Order, at: datetime) -> None:
    """More went back than was left: who placed the order owes it, and spends nothing until `settle_debt`."""
    _transfer_debt(session, known, order, "owed", Entry(CUSTOMER_DEBTS, STRIPE_CLEARING, known.owed_cents), at)
    wallet = lock_wallet(session, wallet_of(session, order))
    freeze(session, wallet, reference=known.reference, cents=known.owed_cents, at=at)


def _return_debt(session: Session, known: Refund, order: Order, at: datetime) -> None:
    """The money never reached the customer: nothing is owed. What they paid for the debt since is credit again."""
    wallet = lock_wallet(session, wallet_of(session, order))
    was_settled_to = settled_to(session, known)
    if was_settled_to == TILL:
        lots = [NewLot("paid", known.owed_cents, STRIPE_CLEARING)]
        reference = order.card_references[0]
        deposit(session, wallet, lots, kind="release", key=f"{known.reference}:not_owed", reference=reference, at=at)
    else:
        entry = Entry(STRIPE_CLEARING, was_settled_to or CUSTOMER_DEBTS, known.owed_cents)
        _transfer_debt(session, known, order, "not_owed", entry, at)
    unfreeze(session, wallet, reference=known.reference, at=at)


def _transfer_debt(session: Session, known: Refund, order: Order, step: str, entry: Entry, at: datetime) -> None:
    transfer(
        session,
        [entry],
        kind=f"refund_{step}",
        key=f"{known.reference}:{step}",
        reference=known.reference,
        currency=order.currency,
        at=at,
    )


def _tell_of_the_dashboard(session: Session, known: Refund, order: Order, at: datetime) -> None:
    kind = "refund_beyond_credit" if known.owed_cents else "refund_outside"
    facts: Facts = {
        "refund": known.stripe_refund_id,
        "order": order.id,
        "amount": known.amount_cents,
        "taken": known.amount_cents - known.owed_cents,
        "owed": known.owed_cents,
    }
    raise_alert(session, kind, known.reference, facts, at)
