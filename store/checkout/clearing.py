"""The clearing account: what Stripe took for us and has not paid out. It follows Stripe's account of our money, fees and payouts
included, movement by movement, and must end at the same sum.
"""

from collections.abc import Iterator
from datetime import datetime

from flask import current_app
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from store.checkout.models import Order
from store.db import db, transaction
from store.gateways import stripe_gateway
from store.gateways.stripe_gateway import BalanceMovement
from store.ledger.chart import BANK, HELD_BONUS, HELD_VALUE, STRIPE_CLEARING, STRIPE_FEES
from store.ledger.models import Posting
from store.ledger.post import Entry, transfer
from store.prepaid_cards.models import CardHold

BOOKED_ELSEWHERE = {"charge", "charge_failure", "refund", "refund_failure", "dispute", "dispute_reversal"}
"""Stripe's reporting categories (docs.stripe.com/reports/reporting-categories) whose sums customers' movements book; only
the fees on them are left to do here."""

PAYOUTS = {"payout", "payout_reversal"}
FEES = {"fee", "network_cost"}


def follow(since: datetime, at: datetime) -> Iterator[str]:
    """Book the fees and payouts since then, once each; a sentence for each movement that nothing in the shop explains."""
    for movement in stripe_gateway.list_balance_movements(since):
        if movement.currency != current_app.config["SHOP_CURRENCY"]:
            yield f"{movement.id}: {movement.amount} {movement.currency}, a currency that this shop does not sell in"
        elif movement.category in PAYOUTS | FEES | BOOKED_ELSEWHERE:
            _book(movement, at)
        else:
            yield f"{movement.id}: {movement.amount} cents of the kind {movement.category}, which the shop does not know"


def compare() -> Iterator[str]:
    """A sentence for each sum that is not what it must be: Stripe's balance, and what is held for refunds and disputes."""
    currency = current_app.config["SHOP_CURRENCY"]
    at_stripe, in_the_books, under_way = _all_balances(currency)
    if at_stripe != in_the_books + under_way:  # something may have been paid between the looks
        at_stripe, in_the_books, under_way = _all_balances(currency)
    if at_stripe != in_the_books + under_way:
        debits = f", and {under_way} of bank debits are under way" if under_way else ""
        yield f"Stripe holds {at_stripe} cents for the shop, the clearing account says {in_the_books}{debits}"
    paid, bonus = db.session.execute(
        select(func.coalesce(func.sum(CardHold.paid_cents), 0), func.coalesce(func.sum(CardHold.bonus_cents), 0)).where(
            CardHold.state == "held"
        )
    ).one()
    for account, held in ((HELD_VALUE, int(paid)), (HELD_BONUS, int(bonus))):
        if held != -balance_of(db.session, account):
            yield f"{held} cents are held of cards, the account {account} says {-balance_of(db.session, account)}"


def _all_balances(currency: str) -> tuple[int, int, int]:
    """What Stripe holds, what the books say, and what is under way, in cents."""
    db.session.rollback()  # no read stays open while Stripe is asked, and none is older than the answer
    at_stripe = stripe_gateway.balance_cents(currency)
    return at_stripe, balance_of(db.session, STRIPE_CLEARING), _debits_under_way(db.session)


def balance_of(session: Session, account: str) -> int:
    """Debits less credits of a house account, in cents, over all time."""
    change = case((Posting.debit_account == account, Posting.amount), else_=-Posting.amount)
    touched = or_(Posting.debit_account == account, Posting.credit_account == account)
    return int(session.scalars(select(func.coalesce(func.sum(change), 0)).where(touched)).one())


def _debits_under_way(session: Session) -> int:
    """Cents of bank debits that were announced: Stripe's pending balance has them at once, the books once they are paid."""
    announced = select(func.coalesce(func.sum(Order.price_cents), 0)).where(Order.state == "processing")
    return int(session.scalars(announced).one())


def _book(movement: BalanceMovement, at: datetime) -> None:
    entries = []
    if movement.category in PAYOUTS:
        entries.append(_entry(BANK, STRIPE_CLEARING, -movement.amount))
    elif movement.category in FEES:
        entries.append(_entry(STRIPE_FEES, STRIPE_CLEARING, -movement.amount))
    if movement.fee:
        entries.append(_entry(STRIPE_FEES, STRIPE_CLEARING, movement.fee))
    if entries:
        with transaction() as session:
            transfer(
                session,
                entries,
                kind="payout" if movement.category in PAYOUTS else "stripe_fee",
                key=f"stripe:{movement.id}",
                reference=f"stripe:{movement.id}",
                currency=movement.currency,
                at=at,
            )


def _entry(debit: str, credit: str, cents: int) -> Entry:
    """A negative sum goes the other way round: a payout that failed, a fee that is given back."""
    return Entry(debit, credit, cents) if cents > 0 else Entry(credit, debit, -cents)
