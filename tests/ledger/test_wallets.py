"""A wallet is opened empty, and held by one transaction at a time."""

from dataclasses import FrozenInstanceError

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound, OperationalError

from store.db import db, transaction
from store.ledger.balance import credit_of
from store.ledger.models import Wallet
from store.ledger.post import LockedWallet, lock_wallet, lock_wallets, open_wallet
from tests.conftest import both_engines
from tests.ledger.acts import AT, Books

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
    with app.app_context(), pytest.raises(NoResultFound), transaction() as session:
        lock_wallet(session, wallet_id + 1)


@both_engines
def test_a_held_wallet_cannot_be_taken_for_another(app: Flask, books: Books) -> None:
    wallet_id = books.wallet()
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, wallet_id)
    with pytest.raises(FrozenInstanceError):
        wallet.id = wallet_id + 1


@on_postgresql
def test_a_wallet_is_held_until_the_transaction_ends(app: Flask, books: Books) -> None:
    wallet_id = books.wallet()
    ask = text(f"SELECT id FROM wallet WHERE id = {wallet_id} FOR UPDATE NOWAIT")
    with app.app_context(), db.engine.connect() as somebody_else:
        with transaction() as session:
            lock_wallet(session, wallet_id)
            with pytest.raises(OperationalError, match="could not obtain lock"):
                somebody_else.execute(ask)
        assert somebody_else.scalar(ask) == wallet_id


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
