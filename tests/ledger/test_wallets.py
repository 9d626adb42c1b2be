"""A wallet is opened empty, and held by one transaction at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from store.db import db, transaction
from store.ledger.balance import credit_of
from store.ledger.chart import RENTAL_SALES
from store.ledger.models import Wallet
from store.ledger.post import LockedWallet, WalletFrozen, freeze, lock_wallet, lock_wallets, open_wallet, spend
from tests.conftest import both_engines
from tests.ledger.acts import AT, Books, paid

on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
"""SQLite holds the whole database for whoever writes."""


@both_engines
def test_a_new_wallet_is_empty_and_knows_its_currency(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        ids = [open_wallet(session, currency, AT) for currency in ("EUR", "CHF")]
        rows = session.execute(select(Wallet.id, Wallet.currency, Wallet.opened_at).order_by(Wallet.id)).all()
        assert [credit_of(session, wallet_id, AT) for wallet_id in ids] == [0, 0]
    assert rows == [(ids[0], "EUR", AT), (ids[1], "CHF", AT)]


@both_engines
def test_who_holds_a_wallet_knows_its_currency(app: Flask, books: Books) -> None:
    ids = [books.wallet(currency="EUR"), books.wallet(currency="CHF")]
    with app.app_context(), transaction() as session:
        assert [lock_wallet(session, wallet_id) for wallet_id in ids] == [
            LockedWallet(ids[0], "EUR"),
            LockedWallet(ids[1], "CHF"),
        ]


@both_engines
def test_a_wallet_that_does_not_exist_cannot_be_held(app: Flask, books: Books) -> None:
    wallet_id = books.wallet()
    with app.app_context(), pytest.raises(LookupError), transaction() as session:
        lock_wallet(session, wallet_id + 1)


@both_engines
def test_a_held_wallet_cannot_be_taken_for_another(app: Flask, books: Books) -> None:
    wallet_id = books.wallet()
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, wallet_id)
    with pytest.raises(FrozenInstanceError):
        wallet.id = wallet_id + 1


def rent(session: Session, wallet_id: int) -> int:
    sale = {"currency": "EUR", "kind": "rental", "sales_account": RENTAL_SALES, "vat_percent": Decimal(20)}
    return spend(session, wallet_id, 350, **sale, key="rental", reference="film:1", at=AT)


@on_postgresql
@pytest.mark.parametrize("act", [lock_wallet, rent])
def test_a_wallet_is_held_until_the_transaction_ends(app: Flask, books: Books, act: Callable[..., Any]) -> None:
    wallet_id = books.wallet(paid(1000))
    ask = text(f"SELECT id FROM wallet WHERE id = {wallet_id} FOR UPDATE NOWAIT")
    with app.app_context(), db.engine.connect() as somebody_else:
        with transaction() as session:
            act(session, wallet_id)
            with pytest.raises(OperationalError, match="could not obtain lock"):
                somebody_else.execute(ask)
        assert somebody_else.scalar(ask) == wallet_id


@on_postgresql
def test_a_spend_sees_what_was_decided_while_it_waited_for_the_wallet(app: Flask, books: Books) -> None:
    wallet_id = books.wallet(paid(1000))
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def rent_then() -> None:
        with app.app_context(), transaction() as session:
            rent(session, wallet_id)

    with ThreadPoolExecutor(1) as pool, app.app_context():
        with transaction() as session, db.engine.connect() as onlooker:
            freeze(session, lock_wallet(session, wallet_id), reference="refund:1", cents=500, at=AT)
            rental = pool.submit(rent_then)
            while not onlooker.scalar(waits):
                assert not rental.done()
        with pytest.raises(WalletFrozen):
            rental.result()


@both_engines
def test_several_wallets_are_held_in_the_order_of_their_ids(app: Flask, books: Books) -> None:
    """Whoever holds some of them waits for higher ones alone, so that no two wait for each other."""
    ids = [books.wallet(currency=currency) for currency in ["EUR", "CHF"] * 5]
    asked = [ids[8], ids[0], ids[9], ids[0], ids[1]]
    with app.app_context(), transaction() as session:
        held = lock_wallets(session, asked)
        assert list(held.items()) == [
            (wallet_id, lock_wallet(session, wallet_id)) for wallet_id in (ids[0], ids[1], ids[8], ids[9])
        ]
