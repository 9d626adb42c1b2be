"""A counter at which a test issues, sells and gives cards."""

from datetime import date, timedelta

from flask import Flask
from sqlalchemy import case, func, or_, select

from store import clock
from store.db import db, transaction
from store.ledger.chart import STRIPE_CLEARING
from store.ledger.models import Posting
from store.ledger.reconcile import differences
from store.prepaid_cards.activate import activate
from store.prepaid_cards.codes import digests_of, read, written
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.issue import issue_for_order
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.redeem import redeem
from tests.shop import Person

WISH = GiftWish("email", "Paul", "paul@example.org", "Bon film !", date(2026, 12, 24))


class Counter:
    """Cards of a shop under test; sums in cents, codes as they are printed."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.keys = app.config["CODE_KEYS"]
        self._orders = 100

    def card(
        self,
        buyer: Person,
        price: int = 2000,
        credit: int = 2100,
        purpose: str = "gift",
        sold: bool = True,
        gift: GiftWish | None = None,
    ) -> str:
        """A card that was ordered, and paid for if it is sold; its code, or its reference for a card for oneself."""
        self._orders += 1
        reference = f"order:{self._orders}"
        with self.app.app_context(), transaction() as session:
            [card] = issue_for_order(
                session,
                references=[reference],
                purpose=purpose,
                price_cents=price,
                credit_cents=credit,
                currency="EUR",
                bought_by=buyer.id,
                at=clock.now(),
                keys=self.keys,
                gifts=[gift] if gift else [],
            )
        if sold:
            self.pay(reference, buyer)
        return reference if purpose == "self" else self.code_on(card)

    def pay(self, reference: str, buyer: Person, key: str | None = None) -> None:
        """The order of this card was paid."""
        with self.app.app_context(), transaction() as session:
            keys = {reference: key or f"{reference}:credit"}
            activate(session, keys, wallet_id=buyer.wallet_id, funded_by=STRIPE_CLEARING, at=clock.now())

    def redeem(self, code: str, person: Person, days_later: int = 0) -> int:
        """The person enters the code."""
        with self.app.app_context(), transaction() as session:
            at = clock.now() + timedelta(days=days_later)
            return redeem(session, read(code), person.wallet_id, keys=self.keys, at=at)

    def code_on(self, card: PrepaidCard) -> str:
        """The code that stands on the card now."""
        return written(code_on(self.keys, card))

    def find(self, code: str) -> PrepaidCard:
        """The card of this code."""
        with self.app.app_context():
            digests = digests_of(self.keys, read(code))
            return db.session.scalars(select(PrepaidCard).where(PrepaidCard.lookup_digest.in_(digests))).one()

    def account(self, code: str) -> int:
        """What stands in an account of the books, credits less debits; the books must be right."""
        with self.app.app_context():
            assert list(differences(db.session)) == []
            credited = case((Posting.credit_account == code, Posting.amount), else_=-Posting.amount)
            mine = or_(Posting.credit_account == code, Posting.debit_account == code)
            return int(db.session.scalars(select(func.coalesce(func.sum(credited), 0)).where(mine)).one())
