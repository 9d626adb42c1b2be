"""Whether the shop's books and Stripe agree about one customer; what Stripe says is read without the shop's own code."""

from collections.abc import Iterator
from datetime import datetime

import stripe
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from store import clock
from store.checkout.clearing import balance_of
from store.checkout.models import Dispute, Order, Refund
from store.checkout.recover import settled_to
from store.ledger.balance import credit_of
from store.ledger.chart import LOT_ACCOUNTS, TILL, VOUCHER_VAT
from store.ledger.models import Freeze, Journal, Lot, Posting
from store.ledger.reconcile import differences
from store.prepaid_cards.models import CardHold, PrepaidCard
from store.rentals.models import Entitlement
from tests.shop import Person

GRANTS = ("rental", "purchase")
SPENDS = (*GRANTS, "undone", "film_refunded")
REFUND_STATES = {"requires_action": "pending", "canceled": "failed"}


def disagreements(session: Session, asked: stripe.StripeClient, person: Person, since: datetime) -> Iterator[str]:
    """A sentence for each; all of the person's orders were placed since then, and the reconciler has run."""
    yield from differences(session)
    yield from _lots_unlike_their_postings(session)
    yield from _vouchers(session)
    yield from _credit_and_films(session, person)
    sessions = {one.client_reference_id: one for one in _all(asked.v1.checkout.sessions, since)}
    refunds, disputes = _by_payment(asked.v1.refunds, since), _by_payment(asked.v1.disputes, since)
    for order in session.scalars(select(Order).where(Order.customer_id == person.id).order_by(Order.id)):
        checkout = sessions.get(order.key)
        is_paid = checkout is not None and checkout.payment_status == "paid"
        if is_paid != (order.state == "paid"):
            yield f"order {order.id} is {order.state}, at Stripe {checkout and checkout.payment_status}"
        elif checkout is not None and is_paid:
            intent = str(checkout.payment_intent)
            yield from _order(session, order, refunds.get(intent, []), disputes.get(intent, []))


def _order(session: Session, order: Order, refunds: list, disputes: list) -> Iterator[str]:
    """Its refunds and disputes are Stripe's, and what is left of its cards is what was paid, less what went back and was spent."""
    ours = list(session.scalars(select(Refund).where(Refund.order_id == order.id)))
    known = {(one.stripe_refund_id, one.amount_cents, one.state) for one in ours if one.stripe_refund_id}
    made = {(one.id, one.amount, REFUND_STATES.get(one.status, one.status)) for one in refunds}
    if known != made or any(one.state != "failed" for one in ours if not one.stripe_refund_id):
        yield f"order {order.id}: refunds {[(one.id, one.state) for one in ours]} {known}, at Stripe {made}"
    pulled = {(one.id, one.amount, one.status if one.status in ("won", "lost") else "open") for one in disputes}
    seen = list(session.scalars(select(Dispute).where(Dispute.order_id == order.id)))
    if {(one.stripe_dispute_id, one.amount_cents, one.state) for one in seen} != pulled:
        yield f"order {order.id}: disputes {[(one.id, one.state) for one in seen]}, at Stripe {pulled}"
    back = sum(cents for _, cents, state in made if state != "failed")
    disputed = sum(cents for _, cents, state in pulled if state != "won")
    if back + disputed > order.price_cents:
        yield f"order {order.id}: {back} refunded and {disputed} disputed of {order.price_cents}"
    owed = sum(one.owed_cents for one in ours if one.state != "failed")
    uncovered = disputed - _held(session, [one.reference for one in seen])
    left, spent = _left(session, order), _spent(session, _lots_of(order), Lot.kind == "paid")
    if left + spent != order.price_cents - back - disputed + owed + uncovered or min(left, owed, uncovered) < 0:
        yield (
            f"order {order.id}: {left} left, {spent} spent of {order.price_cents} paid;"
            f" {back} refunded ({owed} of it owed), {disputed} disputed ({uncovered} of it uncovered)"
        )
    once_spent = _spent(session, _lots_of(order), Lot.kind == "paid", kinds=GRANTS)
    unpaid = sum(one.owed_cents for one in ours if one.state != "failed" and settled_to(session, one) != TILL)
    if unpaid + uncovered > once_spent:
        yield f"order {order.id}: {unpaid} unpaid and {uncovered} uncovered, but {once_spent} of what was paid were ever spent"


def _vouchers(session: Session) -> Iterator[str]:
    """The VAT that was booked at the sale of single-purpose cards lies in what nobody has spent or given up: in lots, held, or to be redeemed."""
    used = case((Posting.credit_account == VOUCHER_VAT, Posting.amount), else_=-Posting.amount)
    of_lots = select(_sum(used)).where(
        Posting.lot_id.is_not(None), or_(Posting.credit_account == VOUCHER_VAT, Posting.debit_account == VOUCHER_VAT)
    )
    cards = select(_sum(PrepaidCard.vat_cents)).where(PrepaidCard.redeemed_at.is_(None))
    held = select(_sum(CardHold.vat_cents)).where(CardHold.state == "held")
    in_lots = session.scalars(select(_sum(Lot.vat_cents))).one() - session.scalars(of_lots).one()
    lies = int(in_lots + session.scalars(cards).one() + session.scalars(held).one())
    if lies != balance_of(session, VOUCHER_VAT):
        yield f"{lies} cents of VAT lie in unused cards, the books say {balance_of(session, VOUCHER_VAT)}"


def _left(session: Session, order: Order) -> int:
    """Paid cents in its lots, and of its cards that nobody redeemed."""
    in_lots = session.scalars(select(_sum(Lot.remaining)).where(_lots_of(order), Lot.kind == "paid")).one()
    cards = select(_sum(PrepaidCard.price_cents - PrepaidCard.taken_cents)).where(
        PrepaidCard.reference.in_(order.card_references), PrepaidCard.redeemed_at.is_(None)
    )
    return int(in_lots) + int(session.scalars(cards).one())


def _held(session: Session, causes: list[str]) -> int:
    """Paid cents that these took, for the time being or for good."""
    held = select(_sum(CardHold.paid_cents)).where(CardHold.cause.in_(causes), CardHold.state != "released")
    return int(session.scalars(held).one())


def _spent(session: Session, *lots: ColumnElement[bool], kinds: tuple[str, ...] = SPENDS) -> int:
    """Cents of these lots that went for films and did not come back, or by some kinds of journals alone."""
    change = case((Posting.debit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=-Posting.amount)
    spends = select(_sum(change)).join(Lot, Lot.id == Posting.lot_id).join(Journal, Journal.id == Posting.journal_id)
    return int(session.scalars(spends.where(Journal.kind.in_(kinds), *lots)).one())


def _credit_and_films(session: Session, person: Person) -> Iterator[str]:
    """Credit is what lies in the lots, and every film was paid for once."""
    mine = Lot.wallet_id == person.wallet_id
    in_lots = int(session.scalars(select(_sum(Lot.remaining)).where(mine)).one())
    frozen = session.scalar(select(Freeze.id).where(Freeze.wallet_id == person.wallet_id, Freeze.lifted_at.is_(None)))
    if frozen is None and credit_of(session, person.wallet_id, clock.now()) != in_lots:
        yield f"{person.email}: the credit is not the {in_lots} cents in the lots"
    films = select(_sum(Entitlement.price_cents)).where(
        Entitlement.customer_id == person.id, Entitlement.revoked_at.is_(None)
    )
    priced, spent = int(session.scalars(films).one()), _spent(session, mine)
    if priced != spent:
        yield f"{person.email}: films for {priced}, spends of {spent}"


def _lots_unlike_their_postings(session: Session) -> Iterator[str]:
    change = case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=-Posting.amount)
    posted = func.coalesce(select(func.sum(change)).where(Posting.lot_id == Lot.id).scalar_subquery(), 0)
    for lot_id in session.scalars(select(Lot.id).where(Lot.remaining != posted)):
        yield f"lot {lot_id} is not as its postings"


def _lots_of(order: Order) -> ColumnElement[bool]:
    return Lot.reference.in_(order.card_references)


def _sum(cents):
    return func.coalesce(func.sum(cents), 0)


def _all(resource, since: datetime) -> list:
    created = {"gte": int(since.timestamp())}
    return list(resource.list({"limit": 100, "created": created}).auto_paging_iter())


def _by_payment(resource, since: datetime) -> dict[str, list]:
    found: dict[str, list] = {}
    for one in _all(resource, since):
        found.setdefault(str(one.payment_intent), []).append(one)
    return found
