"""Random histories of a wallet: the promises hold after any of them."""

from datetime import timedelta
from decimal import Decimal

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from store import clock
from store.db import db, transaction
from store.ledger.chart import GOODWILL, PROMOTIONS, RENTAL_SALES
from store.ledger.models import Lot
from store.ledger.post import InsufficientCredit, NewLot, deposit, lock_wallet, open_wallet, reverse, spend
from store.ledger.reconcile import differences
from tests.conftest import both_engines

MOVEMENTS = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), st.integers(1, 5000), st.integers(0, 500)),
        st.tuples(st.just("spend"), st.integers(1, 3000), st.booleans()),
        st.tuples(st.just("undo"), st.integers(0, 20), st.none()),
    ),
    max_size=12,
)


@both_engines
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(movements=MOVEMENTS)
def test_any_history_balances(app: Flask, movements: list[tuple]) -> None:
    with app.app_context():
        with transaction() as session:
            wallet_id = open_wallet(session, "EUR", clock.now())
        expected, spent, undone = 0, [], set()
        for number, (kind, first, second) in enumerate(movements):
            key = f"{wallet_id}:{number}"
            if kind == "deposit":
                lots = [NewLot("paid", first, GOODWILL)]
                lots += [NewLot("bonus", second, PROMOTIONS, clock.now() + timedelta(days=9))] if second else []
                with transaction() as session:
                    deposit(
                        session,
                        lock_wallet(session, wallet_id),
                        lots,
                        kind="card",
                        key=key,
                        reference=key,
                        at=clock.now(),
                    )
                expected += first + second
            elif kind == "spend":
                for _ in range(2 if second else 1):  # a retry takes nothing more
                    expected = _spend(wallet_id, first, key, expected, spent)
            elif spent and first % len(spent) not in undone:
                amount, journal_id = spent[first % len(spent)]
                with transaction() as session:
                    reverse(
                        session, lock_wallet(session, wallet_id), journal_id, kind="undone", key=key, at=clock.now()
                    )
                undone.add(first % len(spent))
                expected += amount
        left = db.session.scalar(select(func.coalesce(func.sum(Lot.remaining), 0)).where(Lot.wallet_id == wallet_id))
        assert left == expected
        assert list(differences(db.session)) == []


def _spend(wallet_id: int, amount: int, key: str, expected: int, spent: list[tuple[int, int]]) -> int:
    try:
        with transaction() as session:
            journal_id = spend(
                session,
                lock_wallet(session, wallet_id),
                amount,
                kind="rental",
                sales_account=RENTAL_SALES,
                vat_percent=Decimal(20),
                key=key,
                reference=key,
                at=clock.now(),
            )
    except InsufficientCredit:
        assert amount > expected
        return expected
    if (amount, journal_id) in spent:
        return expected
    assert amount <= expected
    spent.append((amount, journal_id))
    return expected - amount
