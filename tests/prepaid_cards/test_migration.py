"""The cards of the release before live on: they were for their buyer, and were used as they were sold."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from store.db import db
from store.migrate import upgrade
from store.prepaid_cards.models import PrepaidCard
from tests.conftest import both_engines

SOLD_AT = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
BEFORE = (
    "INSERT INTO wallet (id, currency, opened_at) VALUES (7, 'EUR', '2026-11-01 10:00:00+00')",
    "INSERT INTO customer (id, email, name, password_hash, wallet_id, joined_at)"
    " VALUES (3, 'jeanne@example.org', 'Jeanne', '', 7, '2026-11-01 10:00:00+00')",
    "INSERT INTO prepaid_card (id, reference, wallet_id, price_cents, credit_cents, last4, activated_at) VALUES"
    " (11, 'order:5', 7, 2000, 2100, 'K7ZM', '2026-11-23 20:15:00+00'),"
    " (12, 'order:6', 7, 1000, 1000, '0Q4C', '2026-11-24 20:15:00+00')",
)


@pytest.fixture
def old_shop(shop_without_tables: Flask) -> Flask:
    """A shop as the release before leaves it, with two cards sold."""
    with shop_without_tables.app_context():
        upgrade("0003")
        with db.engine.begin() as connection:
            for statement in (
                BEFORE
                if db.engine.dialect.name == "postgresql"
                else [statement.replace("+00'", "'") for statement in BEFORE]
            ):
                connection.execute(text(statement))
    return shop_without_tables


@both_engines
def test_cards_already_sold_live_on(old_shop: Flask) -> None:
    with old_shop.app_context():
        upgrade()
        cards = list(db.session.scalars(select(PrepaidCard).order_by(PrepaidCard.id)))
    assert [(card.id, card.reference, card.last4) for card in cards] == [
        (11, "order:5", "K7ZM"),
        (12, "order:6", "0Q4C"),
    ]
    card = cards[0]
    assert (card.purpose, card.price_cents, card.credit_cents, card.currency) == ("self", 2000, 2100, "EUR")
    assert card.issued_at == card.activated_at == card.redeemed_at == SOLD_AT
    assert (card.wallet_id, card.bought_by, card.reissue) == (7, 3, 0)
    assert (card.lookup_digest, card.key_version, card.batch_id, card.handed_out_at) == (None, None, None, None)


@both_engines
@pytest.mark.parametrize(
    "change",
    [
        "wallet_id = 99",
        "bought_by = 99",
        "batch_id = 99",
        "reference = 'order:6'",
        "purpose = 'stolen'",
        "lookup_digest = 'x', key_version = 1",
        "purpose = 'gift', lookup_digest = 'x'",
        "redeemed_at = NULL",
        "activated_at = NULL",
        "price_cents = 2101",
        "issued_at = NULL",
        "reissue = NULL",
    ],
)
def test_the_copied_table_still_refuses(old_shop: Flask, change: str) -> None:
    with old_shop.app_context():
        upgrade()
        with pytest.raises(IntegrityError), db.engine.begin() as connection:
            connection.execute(text(f"UPDATE prepaid_card SET {change} WHERE id = 11"))


@both_engines
def test_the_copied_table_keeps_its_keys_and_indexes(old_shop: Flask) -> None:
    with old_shop.app_context():
        upgrade()
        database = inspect(db.engine)
        assert {key["referred_table"] for key in database.get_foreign_keys("prepaid_card")} == {
            "wallet",
            "card_batch",
            "customer",
        }
        assert {index["name"] for index in database.get_indexes("prepaid_card")} >= {
            "ix_prepaid_card_wallet_id",
            "ix_prepaid_card_batch_id",
            "ix_prepaid_card_bought_by",
            "ix_prepaid_card_pool",
        }
