"""Orders that were paid, and what has become of their money."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from store.audit.models import Alert
from store.checkout import clearing
from store.checkout.models import Order
from store.db import db
from store.ledger.chart import CHART
from store.ledger.models import Lot
from store.ledger.reconcile import differences
from tests.checkout.stripe_side import pay
from tests.checkout.test_buying_a_card import order_card


def bought(app: Flask, client: FlaskClient, sandbox: str, denomination: str = "20", **fields: str) -> Order:
    """A card that was ordered and paid; returns its order."""
    session_id = order_card(client, denomination, **fields)
    assert pay(sandbox, session_id) == "paid"
    assert client.get(f"/paiement/retour?session_id={session_id}").status_code in (200, 303)
    with app.app_context():
        order = db.session.scalars(select(Order).where(Order.stripe_session_id == session_id)).one()
        db.session.expunge(order)
    return order


def books(app: Flask) -> dict[str, int]:
    """Debits less credits of every account that is not even, in cents; fails when the audit finds anything."""
    with app.app_context():
        assert list(differences(db.session)) == []
        sums = {account.code: clearing.balance_of(db.session, account.code) for account in CHART}
    return {code: cents for code, cents in sums.items() if cents}


def left_in_lots(app: Flask) -> list[int]:
    """What remains of each lot, in the order of their making."""
    with app.app_context():
        return list(db.session.scalars(select(Lot.remaining).order_by(Lot.id)))


def alerts(app: Flask) -> list[str]:
    """The kinds of the alerts that were raised, in their order."""
    with app.app_context():
        return list(db.session.scalars(select(Alert.kind).order_by(Alert.id)))


def count(app: Flask, model: type) -> int:
    """How many rows there are."""
    with app.app_context():
        return db.session.scalars(select(func.count()).select_from(model)).one()
