"""Two at once on PostgreSQL, where who waits for a lock has read before: what was decided meanwhile is seen."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from store import clock
from store.checkout.give_back import undo_rental
from store.checkout.start import Purchase, place_order
from store.checkout.sync import sync_payment
from store.db import transaction
from store.ledger.post import WalletFrozen, freeze, lock_wallet
from tests.checkout.purchases import bought, left_in_lots
from tests.checkout.stripe_side import act
from tests.checkout.test_refund import rent
from tests.checkout.test_withdraw_race import somebody_waits
from tests.shop import Shop

T = TypeVar("T")

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


def while_the_other_waits(app: Flask, first: Callable[[Session], object], second: Callable[[], T]) -> Future[T]:
    """`first` acts and commits only once `second` waits for it; what came of `second`."""

    def in_the_shop() -> T:
        with app.app_context():
            return second()

    with ThreadPoolExecutor(1) as pool, app.app_context(), transaction() as session:
        first(session)
        outcome = pool.submit(in_the_shop)
        while not somebody_waits(session):
            assert not outcome.done()
    return outcome


def test_who_is_frozen_while_the_gap_is_ordered_orders_nothing(app: Flask, shop: Shop) -> None:
    person = shop.customer(credit=210)

    def freeze_it(session: Session) -> None:
        freeze(session, lock_wallet(session, person.wallet_id), reference="order:1", cents=100, at=clock.now())

    def order_it() -> None:
        purchase = Purchase(person.id, person.wallet_id, person.email, "gap", 140, 140)
        with transaction() as session:
            place_order(session, purchase, "EUR", clock.now())

    with pytest.raises(WalletFrozen):
        while_the_other_waits(app, freeze_it, order_it).result()


def test_a_dispute_holds_what_is_given_back_for_a_rental_meanwhile(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    order = bought(app, shop.signed_in(person), sandbox)
    shop.film()
    rent(shop, person, "la-sociale")
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="open")

    def undo_it(session: Session) -> None:
        undo_rental(session, person.id, person.wallet_id, "la-sociale", clock.now())

    while_the_other_waits(app, undo_it, lambda: sync_payment(order.stripe_payment_intent_id)).result()
    assert left_in_lots(app) == [0, 0]
    assert shop.credit_of(person) == 0
    act(sandbox, f"dispute/{order.stripe_payment_intent_id}", outcome="won")
    with app.app_context():
        sync_payment(order.stripe_payment_intent_id)
    assert shop.credit_of(person) == 2100
