"""Random histories of cards and credit: after each step the books say what plain Python says.

Two people buy, give, redeem, rent, spend, get refunded, wait. Acts are done twice and done again much later, under the same
key. `count` says how many steps were taken.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from store import clock
from store.checkout.clearing import balance_of
from store.customers.models import Customer
from store.customers.register import register
from store.db import db, transaction
from store.ledger.balance import Outstanding, credit_of, outstanding, statement_of
from store.ledger.chart import HELD_VALUE, LOT_ACCOUNTS, RENTAL_SALES, STRIPE_CLEARING, VOUCHER_VAT
from store.ledger.models import Lot, Posting
from store.ledger.post import IdempotencyConflict, InsufficientCredit, hold, lock_wallet, reverse, spend
from store.ledger.reconcile import differences
from store.prepaid_cards.activate import activate
from store.prepaid_cards.expire import Ending, book_expiry, expired_lots
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.issue import issue_for_order
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.redeem import Unredeemable, redeem
from store.prepaid_cards.reissue import AlreadyRedeemed, reissue
from store.prepaid_cards.wallet_limit import WalletFull
from store.rentals.rent import Terms, rent
from store.rentals.undo import TooLate, undo
from tests.ledger.model import Missing, ModelWallet, Taken

BEGINNING = datetime(2026, 11, 24, 11, tzinfo=UTC)
TERMS = Terms(30, Decimal(20))
FILM, FILM_CENTS = "la-sociale", 350
WALLET_LIMIT_CENTS = 250_00

PEOPLE = st.integers(0, 1)
TWICE = st.booleans()
SUMS = st.one_of(st.integers(1, 30_00), st.integers(1, 300_00))
DENOMINATIONS = st.sampled_from([(10_00, 10_00), (20_00, 21_00), (50_00, 55_00), (100_00, 112_00), (7_77, 7_77)])
SINGLE = st.booleans()
"""Whether a card is single-purpose: taxed at its sale."""
DAYS = st.sampled_from([0, 1, 29, 30, 89, 90, 200, 366])

Act = Callable[[Session, datetime], Any]


@dataclass
class Person:
    """A customer, and what their wallet must hold."""

    id: int
    wallet_id: int
    model: ModelWallet = field(default_factory=ModelWallet)
    rentals: list["Rental"] = field(default_factory=list)


@dataclass(eq=False)
class Card:
    """A card as whoever sells and holds it knows it; the last of its codes is good."""

    id: int
    reference: str
    price: int
    credit: int
    codes: list[str]
    is_single: bool = False
    is_paid: bool = False
    holder: int | None = None

    @property
    def vat(self) -> int:
        """What is due at its sale: 20 % on top of what the shop keeps."""
        return (self.price + 3) // 6 if self.is_single else 0


@dataclass(eq=False)
class Rental:
    """A film that was rented and never begun."""

    reference: str
    granted_at: datetime
    taken: Taken
    is_undone: bool = False

    def is_in_force(self, at: datetime) -> bool:
        """Whether it can still be begun."""
        return not self.is_undone and at < self.granted_at + timedelta(days=TERMS.start_days)


@dataclass(eq=False)
class Movement:
    """Cents that were spent or held, by which journal, and whether they came back."""

    journal_id: int
    reference: str
    person: int
    taken: Taken
    is_undone: bool = False


class Histories(RuleBasedStateMachine):
    """Hypothesis draws the rules to follow; `check` runs after each of them."""

    cards = Bundle("cards")
    spends = Bundle("spends")
    holds = Bundle("holds")

    def __init__(self, app: Flask, count: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.app, self.count = app, count
        self.now = BEGINNING
        self.keys_used = 0
        self.all_cards: list[Card] = []
        self.all_holds: list[Movement] = []
        self.past: list[tuple[Act, Any]] = []
        with app.app_context():
            with transaction() as session:
                self.people = [self._person(session, name) for name in "ab"]
            self.before = self._sums()
            self.known = list(
                differences(db.session)
            )  # of an earlier history: not this one's, or it could not be shrunk

    @rule(person=PEOPLE, sums=DENOMINATIONS, single=SINGLE, twice=TWICE, target=cards)
    def buy(self, person: int, sums: tuple[int, int], single: bool, twice: bool) -> Card:
        """A card for oneself: ordered and paid for."""
        card = self._ordered(person, sums, "self", single)
        self._pay(card, self.people[person].wallet_id, twice)
        self._credited(card, person)
        return card

    @rule(
        person=PEOPLE,
        sums=DENOMINATIONS,
        purpose=st.sampled_from(["gift", "suspended"]),
        single=SINGLE,
        twice=TWICE,
        target=cards,
    )
    def give(self, person: int, sums: tuple[int, int], purpose: str, single: bool, twice: bool) -> Card:
        """A card for somebody else: ordered and paid for."""
        card = self._ordered(person, sums, purpose, single)
        self._pay(card, None, twice)
        return card

    @rule(person=PEOPLE, sums=DENOMINATIONS, target=cards)
    def order(self, person: int, sums: tuple[int, int]) -> Card:
        """A card for somebody else, not paid for yet."""
        return self._ordered(person, sums, "gift")

    @rule(card=cards, twice=TWICE)
    def pay(self, card: Card, twice: bool) -> None:
        """An order is paid for, maybe for the second time."""
        if card.codes:
            self._pay(card, None, twice)

    @rule(card=cards, person=PEOPLE, replaced=st.integers(0, 3))
    def redeem(self, card: Card, person: int, replaced: int) -> None:
        """Somebody enters a card's code, or one that was replaced."""
        if not card.codes:
            return
        code = card.codes[-1 - replaced % len(card.codes)]
        wallet_id, keys = self.people[person].wallet_id, self.app.config["CODE_KEYS"]
        room = WALLET_LIMIT_CENTS - self.people[person].model.credit(self.now)
        outcome = self._try(lambda session, at: redeem(session, code, wallet_id, keys=keys, at=at))
        if code != card.codes[-1] or not card.is_paid or card.holder is not None:
            assert isinstance(outcome, Unredeemable), outcome
        elif card.credit > room:
            assert isinstance(outcome, WalletFull) and outcome.room_cents == room, outcome
        else:
            assert outcome == card.id
            self._credited(card, person)

    @rule(card=cards)
    def reissue(self, card: Card) -> None:
        """A new code ends the old one."""
        outcome = self._try(
            lambda session, _at: self._code(reissue(session, card.id, keys=self.app.config["CODE_KEYS"]))
        )
        if card.holder is not None:
            assert isinstance(outcome, AlreadyRedeemed), outcome
        else:
            assert outcome not in card.codes
            card.codes.append(outcome)

    @rule(person=PEOPLE, cents=SUMS, twice=TWICE, target=spends)
    def spend(self, person: int, cents: int, twice: bool) -> Movement | None:
        """Credit is spent, or refused to the cent."""
        key = self._key("spend")
        act = self._spending(person, cents, key)
        return self._take(act, person, key, lambda wallet: wallet.spend(cents, self.now), twice)

    @rule(movement=spends, twice=TWICE)
    def refund(self, movement: Movement | None, twice: bool) -> None:
        """What was spent comes back."""
        self._undo(movement, twice)

    @rule(card=cards, cents=SUMS, twice=TWICE, target=holds)
    def hold(self, card: Card, cents: int, twice: bool) -> Movement | None:
        """A part of what a card gave is set aside."""
        if card.holder is None:
            return None
        wallet_id, key = self.people[card.holder].wallet_id, self._key("hold")

        def act(session: Session, at: datetime) -> int:
            wallet = lock_wallet(session, wallet_id)
            return hold(session, wallet, cents, kind="hold", key=key, reference=card.reference, at=at)

        movement = self._take(
            act, card.holder, card.reference, lambda wallet: wallet.hold(card.reference, cents), twice
        )
        self.all_holds += [movement] if movement else []
        return movement

    @rule(movement=holds, twice=TWICE)
    def release(self, movement: Movement | None, twice: bool) -> None:
        """What was set aside can be spent again."""
        self._undo(movement, twice)

    @rule(person=PEOPLE)
    def rent(self, person: int) -> None:
        """A film is rented; who can watch it already pays nothing."""
        who = self.people[person]
        outcome = self._try(lambda session, at: rent(session, who.id, who.wallet_id, FILM, TERMS, at))
        if any(rental.is_in_force(self.now) for rental in who.rentals):
            assert not outcome.is_new
            return
        try:
            taken = who.model.spend(FILM_CENTS, self.now)
        except Missing as missing:
            assert isinstance(outcome, InsufficientCredit) and outcome.missing == missing.cents, outcome
        else:
            assert outcome.is_new
            who.rentals.append(Rental(f"entitlement:{outcome.entitlement_id}", self.now, taken))

    @rule(person=PEOPLE)
    def undo(self, person: int) -> None:
        """A rental that was not begun is undone while it is in force, once."""
        who = self.people[person]
        outcome = self._try(lambda session, at: undo(session, who.id, who.wallet_id, FILM, at))
        in_force = [rental for rental in who.rentals if rental.is_in_force(self.now)]
        if not in_force:
            assert isinstance(outcome, TooLate), outcome
            return
        [rental] = in_force
        assert outcome == FILM_CENTS
        rental.is_undone = True
        who.model.give_back(rental.taken, rental.reference, self.now)

    @rule(twice=TWICE)
    def expire(self, twice: bool) -> None:
        """The sweeper books the ends that have come."""
        with self.app.app_context():
            mine = {person.wallet_id for person in self.people}
            endings = [ending for ending in expired_lots(db.session, self.now, 10**6) if ending.wallet_id in mine]
        ended = [self._try(partial(_book, ending)) for ending in endings]
        assert sum(ended) == sum(person.model.sweep(self.now) for person in self.people)
        if twice:
            assert not any(self._try(partial(_book, ending)) for ending in endings)

    @rule(days=DAYS)
    def wait(self, days: int) -> None:
        """Time passes: at least a second, so that instants differ."""
        self.now += timedelta(days=days, seconds=1)

    @precondition(lambda self: self.past)
    @rule(which=st.integers(0, 1000))
    def repeat(self, which: int) -> None:
        """An act of long ago arrives once more under its key: the same answer, and no effect."""
        act, answer = self.past[which % len(self.past)]
        assert self._try(act) == answer

    @rule(movement=spends, cents=SUMS)
    def use_a_key_for_something_else(self, movement: Movement | None, cents: int) -> None:
        """The same key with another content is refused."""
        if movement and cents != sum(part for _, part, _vat in movement.taken):
            outcome = self._try(self._spending(movement.person, cents, movement.reference))
            assert isinstance(outcome, IdempotencyConflict), outcome

    @invariant()
    def check(self) -> None:
        """The books are right, and say what the model says."""
        self.count()
        with self.app.app_context():
            assert list(differences(db.session)) == self.known
            for person in self.people:
                self._check_wallet(person)
            now, held, vat = self._sums()
        before, held_before, vat_before = self.before
        lots = [lot for person in self.people for lot in person.model.lots]
        assert now.paid - before.paid == sum(lot.remaining for lot in lots if lot.kind == "paid")
        assert now.bonus - before.bonus == sum(lot.remaining for lot in lots if lot.kind == "bonus")
        assert now.unredeemed - before.unredeemed == sum(
            card.price for card in self.all_cards if card.is_paid and card.holder is None
        )
        kept = [part for movement in self.all_holds if not movement.is_undone for part in movement.taken]
        assert held - held_before == sum(cents for _, cents, _vat in kept)
        assert vat - vat_before == (
            sum(lot.vat for lot in lots)
            + sum(vat for _, _cents, vat in kept)
            + sum(card.vat for card in self.all_cards if card.is_paid and card.holder is None)
        )

    def _check_wallet(self, person: Person) -> None:
        moved = func.sum(case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=-Posting.amount))
        rows = db.session.execute(
            select(Lot.kind, Lot.reference, Lot.initial, Lot.remaining, Lot.expires_at, moved)
            .join(Posting, Posting.lot_id == Lot.id)
            .where(Lot.wallet_id == person.wallet_id)
            .group_by(Lot.id)
            .order_by(Lot.id)
        ).all()
        expected = [
            (lot.kind, lot.reference, lot.initial, lot.remaining, lot.expires_at, lot.remaining)
            for lot in person.model.lots
        ]
        assert [tuple(row) for row in rows] == expected
        assert credit_of(db.session, person.wallet_id, self.now) == person.model.credit(self.now)
        [*last] = statement_of(db.session, person.wallet_id, limit=1)
        assert sum(line.balance for line in last) == sum(lot.remaining for lot in person.model.lots)

    def _person(self, session: Session, name: str) -> Person:
        number = session.scalars(select(func.coalesce(func.max(Customer.id), 0))).one() + 1
        email = f"{name}{number}@example.org"
        customer_id = register(session, email=email, name=name, password_hash="", currency="EUR", at=self.now)
        return Person(customer_id, session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one())

    def _key(self, what: str) -> str:
        self.keys_used += 1
        return f"{self.people[0].wallet_id}:{self.keys_used}:{what}"

    def _sums(self) -> tuple[Outstanding, int, int]:
        """What is owed to customers, what is held, and the VAT that was due at the sale of what nobody has used."""
        return outstanding(db.session), -balance_of(db.session, HELD_VALUE), balance_of(db.session, VOUCHER_VAT)

    def _try(self, act: Act) -> Any:
        """Do it in a transaction of its own; what it returned or raised."""
        with self.app.app_context():
            try:
                with transaction() as session:
                    return act(session, self.now)
            except (
                AlreadyRedeemed,
                IdempotencyConflict,
                InsufficientCredit,
                TooLate,
                Unredeemable,
                WalletFull,
            ) as refusal:
                return refusal

    def _keyed(self, act: Act, twice: bool) -> Any:
        """Do what a retry must not change, at once a second time if so asked; what it returned or raised."""
        outcome = self._try(act)
        if twice:
            again = self._try(act)
            assert again == outcome or (type(again), again.args) == (type(outcome), outcome.args)
        if not isinstance(outcome, Exception):
            self.past.append((act, outcome))
        return outcome

    def _ordered(self, person: int, sums: tuple[int, int], purpose: str, single: bool = False) -> Card:
        reference, (price, credit) = f"order:{self._key(purpose)}", sums

        def act(session: Session, at: datetime) -> tuple[int, list[str]]:
            [card] = issue_for_order(
                session,
                references=[reference],
                purpose=purpose,
                price_cents=price,
                credit_cents=credit,
                currency="EUR",
                bought_by=self.people[person].id,
                at=at,
                keys=self.app.config["CODE_KEYS"],
                vat_mode="single" if single else "multi",
            )
            return card.id, [] if purpose == "self" else [self._code(card)]

        card_id, codes = self._try(act)
        card = Card(card_id, reference, price, credit, codes, single)
        self.all_cards.append(card)
        return card

    def _pay(self, card: Card, wallet_id: int | None, twice: bool) -> None:
        keys = {card.reference: f"{card.reference}:credit"}
        paying = {"funded_by": STRIPE_CLEARING, "wallet_id": wallet_id}

        def pay(session: Session, at: datetime) -> None:
            activate(session, keys, **paying, at=at)

        self._keyed(pay, twice)
        card.is_paid = True

    def _credited(self, card: Card, person: int) -> None:
        card.holder = person
        wallet = self.people[person].model
        wallet.put("paid", card.reference, card.price, vat=card.vat)
        if card.credit > card.price:
            with self.app.app_context():
                end = clock.last_second_in_a_year(self.now)
            wallet.put("bonus", card.reference, card.credit - card.price, end)

    def _code(self, card: PrepaidCard) -> str:
        return code_on(self.app.config["CODE_KEYS"], card)

    def _spending(self, person: int, cents: int, key: str) -> Act:
        wallet_id = self.people[person].wallet_id
        sale = {"currency": "EUR", "kind": "rental", "sales_account": RENTAL_SALES, "vat_percent": Decimal(20)}
        return lambda session, at: spend(session, wallet_id, cents, **sale, key=key, reference=key, at=at)

    def _take(
        self,
        act: Act,
        person: int,
        reference: str,
        model: Callable[[ModelWallet], Taken],
        twice: bool,
    ) -> Movement | None:
        outcome = self._keyed(act, twice)
        try:
            taken = model(self.people[person].model)
        except Missing as missing:
            assert isinstance(outcome, InsufficientCredit) and outcome.missing == missing.cents, outcome
            return None
        assert isinstance(outcome, int), outcome
        return Movement(outcome, reference, person, taken)

    def _undo(self, movement: Movement | None, twice: bool) -> None:
        if movement is None or movement.is_undone:
            return
        who, key = self.people[movement.person], f"journal:{movement.journal_id}:undo"

        def act(session: Session, at: datetime) -> int:
            wallet = lock_wallet(session, who.wallet_id)
            return reverse(session, wallet, movement.journal_id, kind="undone", key=key, at=at)

        assert isinstance(self._keyed(act, twice), int)
        movement.is_undone = True
        who.model.give_back(movement.taken, movement.reference, self.now)


def lengths(examples: int, steps: int) -> settings:
    """Hypothesis' settings for so many histories of so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _book(ending: Ending, session: Session, at: datetime) -> int:
    return book_expiry(session, ending, at)
