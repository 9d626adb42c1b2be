"""Orders of the releases before receipts: paid for all the same, listed without a number; their cards are multi-purpose."""

import pytest
from flask import Flask
from sqlalchemy import select, text

from store.checkout.models import Order, Receipt
from store.checkout.own import papers_of
from store.db import db
from store.ledger.models import Lot
from store.migrate import upgrade
from store.prepaid_cards.models import Gift, PrepaidCard
from tests.conftest import both_engines

BEFORE = (
    "INSERT INTO wallet (id, currency, opened_at) VALUES (7, 'EUR', '2026-11-01 10:00:00+00')",
    "INSERT INTO customer (id, email, name, password_hash, wallet_id, joined_at)"
    " VALUES (3, 'jeanne@example.org', 'Jeanne', '', 7, '2026-11-01 10:00:00+00')",
    "INSERT INTO card_order (id, key, customer_id, purpose, price_cents, credit_cents, currency, terms_version, state,"
    " created_at, expires_at, paid_at) VALUES"
    " (5, 'a', 3, 'gift', 2000, 2100, 'EUR', '2026-11', 'paid', '2026-11-23 20:10:00+00', '2026-11-23 21:10:00+00',"
    " '2026-11-23 20:15:00+00'),"
    " (6, 'b', 3, 'self', 1000, 1000, 'EUR', '2026-11', 'lapsed', '2026-11-23 20:10:00+00', '2026-11-23 21:10:00+00', NULL)",
    "INSERT INTO prepaid_card (id, reference, purpose, price_cents, credit_cents, currency, last4, issued_at, activated_at,"
    " reissue, bought_by) VALUES"
    " (11, 'order:5', 'gift', 2000, 2100, 'EUR', 'K7ZM', '2026-11-23 20:15:00+00', '2026-11-23 20:15:00+00', 0, 3)",
    "INSERT INTO lot (wallet_id, kind, reference, initial, remaining, created_at)"
    " VALUES (7, 'paid', 'order:4', 1000, 0, '2026-11-02 10:00:00+00')",
    "INSERT INTO gift (card_id, delivery, recipient_name, message, deliver_on)"
    " VALUES (11, 'print', 'Éloïse', '', '2026-11-23')",
)


@pytest.fixture
def old_shop(shop_without_tables: Flask) -> Flask:
    """A shop as the release before leaves it, with one card given and one order that lapsed."""
    with shop_without_tables.app_context():
        upgrade("0006")
        with db.engine.begin() as connection:
            for statement in (
                BEFORE
                if db.engine.dialect.name == "postgresql"
                else [statement.replace("+00'", "'") for statement in BEFORE]
            ):
                connection.execute(text(statement))
    return shop_without_tables


@both_engines
def test_orders_of_before_are_listed_without_a_number(old_shop: Flask) -> None:
    with old_shop.app_context():
        upgrade()
        [paper] = papers_of(db.session, 3)
        assert paper.sort == "order" and isinstance(paper.what, Order) and paper.what.id == 5
        assert db.session.scalar(select(Receipt)) is None
        card = db.session.get_one(PrepaidCard, 11)
        assert (card.vat_mode, db.session.scalars(select(Gift.card_id)).one()) == ("multi", card.id)
        assert (card.vat_cents, db.session.scalars(select(Lot.vat_cents)).all()) == (None, [None])
