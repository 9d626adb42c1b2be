"""Cards sold without Stripe, for what comes after a sale."""

from datetime import datetime

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Order, Receipt
from store.checkout.receipts import issue_credit_note, issue_sale, refund_line
from store.checkout.start import Purchase, place_order
from store.db import transaction
from store.ledger.chart import STRIPE_CLEARING
from store.money import portion_of
from store.prepaid_cards.activate import activate
from store.prepaid_cards.models import PrepaidCard
from store.rentals.rent import Terms, buy, rent
from tests.shop import Person


def order(app: Flask, person: Person, price: int = 2000, credit: int = 2100, purpose: str = "self") -> int:
    """A pending order with its card; returns its id."""
    with app.app_context(), transaction() as session:
        purchase = Purchase(person.id, person.wallet_id, person.email, purpose, price, credit)
        return place_order(session, purchase, "EUR", clock.now()).id


def pay(app: Flask, person: Person, order_id: int, at: datetime | None = None, has_receipt: bool = True) -> str:
    """The order was paid; returns its receipt's number. The release before issued none."""
    with app.app_context(), transaction() as session:
        at = at or clock.now()
        paid = session.get_one(Order, order_id)
        card = card_of(session, paid)
        keys = {card.reference: f"topup:{order_id}:credit"}
        activate(session, keys, wallet_id=person.wallet_id, funded_by=STRIPE_CLEARING, at=at)
        paid.state, paid.paid_at = "paid", at
        return number_of(session, issue_sale(session, paid, [card], at)) if has_receipt else ""


def sell(app: Flask, person: Person, price: int = 2000, credit: int = 2100, **how: object) -> str:
    """A card ordered and paid; returns its receipt's number."""
    return pay(app, person, order(app, person, price, credit, str(how.pop("purpose", "self"))), **how)  # type: ignore[arg-type]  # `how` is what pay() takes


def refund(app: Flask, person: Person, order_id: int, cents: int, reference: str = "refund:1") -> str:
    """Some of an order's card is given back; returns the credit note's number. The books are not asked."""
    with app.app_context(), transaction() as session:
        card = card_of(session, session.get_one(Order, order_id))
        note_id = issue_credit_note(
            session,
            refund_reference=reference,
            order_id=order_id,
            customer_id=person.id,
            cents=cents,
            vat_cents=portion_of(card.vat_cents or 0, cents, card.price_cents),
            lines=[refund_line(card, cents)],
            at=clock.now(),
        )
        return number_of(session, note_id)


def spend(app: Flask, person: Person, film: str = "la-sociale", act: str = "rent", at: datetime | None = None) -> int:
    """A film rented or bought with credit; returns the entitlement."""
    with app.app_context(), transaction() as session:
        terms = Terms(30, app.config["SHOP_VAT_PERCENT"])
        grant = {"rent": rent, "buy": buy}[act]
        return grant(session, person.id, person.wallet_id, film, terms, at or clock.now()).entitlement_id


def card_of(session: Session, of: Order) -> PrepaidCard:
    """The order's card."""
    return session.scalars(select(PrepaidCard).where(PrepaidCard.reference == of.card_references[0])).one()


def number_of(session: Session, receipt_id: int) -> str:
    """How a receipt is called."""
    return session.get_one(Receipt, receipt_id).shown_number
