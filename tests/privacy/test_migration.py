"""A shop of the release before: its events forget people, its jobs addresses, and its receipts may forget their buyers, one by one."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from store import create_app
from store.checkout.forget import forget, without_people
from store.checkout.models import Receipt, WebhookEvent
from store.customers.models import Customer
from store.db import db, transaction
from store.jobs.models import Job
from store.ledger.reconcile import differences
from store.migrate import upgrade
from tests.conftest import APP_ROLE, as_role, both_engines

EVENT = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "created": 1,
    "data": {
        "object": {
            "id": "cs_1",
            "object": "checkout.session",
            "payment_intent": "pi_1",
            "amount_total": 2000,
            "customer_email": "jeanne@example.org",
            "customer_details": {"email": "jeanne@example.org", "name": "Jeanne Dupont"},
        }
    },
}
BEFORE = (
    "INSERT INTO wallet (id, currency, opened_at) VALUES (7, 'EUR', '2026-11-01 10:00:00+00')",
    "INSERT INTO customer (id, email, name, password_hash, wallet_id, joined_at)"
    " VALUES (3, 'jeanne@example.org', 'Jeanne Dupont', '', 7, '2026-11-01 10:00:00+00')",
    "INSERT INTO card_order (id, key, customer_id, purpose, quantity, price_cents, credit_cents, currency, terms_version, state,"
    " created_at, expires_at, paid_at) VALUES (5, 'a', 3, 'self', 1, 2000, 2100, 'EUR', '2026-11', 'paid',"
    " '2026-11-23 20:10:00+00', '2026-11-23 21:10:00+00', '2026-11-23 20:15:00+00')",
    "INSERT INTO receipt (series, year, number, reference, customer_id, order_id, issued_at, total_cents, currency, vat_mode,"
    " vat_cents, lines, terms_version, seller_name, seller_imprint, buyer_name, buyer_email) VALUES ('sale', 2026, 1, 'order:5',"
    " 3, 5, '2026-11-23 20:15:00+00', 2000, 'EUR', 'multi', 0, '[]', '2026-11', 'x', 'x', 'Jeanne Dupont',"
    " 'jeanne@example.org')",
    "INSERT INTO job (name, lane, payload, run_at, attempts, error, failed_at) VALUES ('x', 'prompt', '{}',"
    " '2026-11-23 20:15:00+00', 12, 'SMTPRecipientsRefused(jeanne@example.org)', '2026-11-23 20:15:00+00')",
)


@pytest.fixture
def old_shop(shop_without_tables: Flask) -> Flask:
    """As the release before leaves it."""
    with shop_without_tables.app_context():
        upgrade("0022")
        with db.engine.begin() as connection:
            for statement in (
                BEFORE
                if db.engine.dialect.name == "postgresql"
                else [statement.replace("+00'", "'") for statement in BEFORE]
            ):
                connection.exec_driver_sql(statement)
            for number in range(1100):  # more than a batch
                event = json.dumps(EVENT | {"id": f"evt_{number:04}"})
                row = {"id": f"evt_{number:04}", "type": "x", "body": event, "at": "2026-11-23 20:15:00"}
                connection.execute(text("INSERT INTO webhook_event VALUES (:id, :type, :body, :at)"), row)
        db.engine.dispose()
    return shop_without_tables


@both_engines
def test_what_is_there_already_names_nobody_afterwards(old_shop: Flask, tmp_path: Path) -> None:
    with old_shop.app_context():
        upgrade()
        bodies = db.session.scalars(select(WebhookEvent.body).order_by(WebhookEvent.id)).all()
        assert len(bodies) == 1100
        assert bodies == [without_people(EVENT | {"id": f"evt_{number:04}"}) for number in range(1100)]
        assert bodies[0]["data"]["object"]["payment_intent"] == "pi_1" and "jeanne" not in json.dumps(bodies).lower()
        assert db.session.scalars(select(Job.error)).one() == "an address refused a letter"
        assert db.session.scalars(select(Customer.wants_reminders)).one() is True
        assert list(differences(db.session)) == []


@both_engines
def test_a_receipt_of_before_forgets_its_buyer_and_nothing_else(old_shop: Flask, engine_name: str) -> None:
    role = {"DATABASE_URL": as_role(APP_ROLE, old_shop.config["DATABASE_URL"])} if engine_name == "postgresql" else {}
    with old_shop.app_context():
        old_shop.config.update(role)
        upgrade()
        db.engine.dispose()
    shop = create_app(old_shop.config)
    with shop.app_context():
        for name, address in (
            ("somebody", ""),
            ("customer:4", ""),
            ("customer:3", "x@example.org"),
            ("customer:3x", ""),
        ):
            with pytest.raises(DBAPIError), transaction() as session:
                change = text("UPDATE receipt SET buyer_name = :name, buyer_email = :address")
                session.execute(change, {"name": name, "address": address})
        with transaction() as session:
            forget(session, 3, "jeanne@example.org", "customer:3")
        receipt = db.session.scalars(select(Receipt)).one()
        assert (receipt.buyer_name, receipt.buyer_email, receipt.total_cents) == ("customer:3", "", 2000)
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text("UPDATE receipt SET buyer_name = 'customer:3', buyer_email = '', total_cents = 1"))
        db.engine.dispose()
