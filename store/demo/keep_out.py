"""A demo's accounts stay out of production: anyone may know their passwords."""

from flask import Flask
from sqlalchemy import String, cast, literal, select
from sqlalchemy.exc import DBAPIError

from config import SettingError
from store.customers.models import Customer
from store.db import db
from store.demo.seed import SPECTATEUR, SPECTATRICE
from store.ledger.models import Journal


def keep_demo_accounts_out(app: Flask) -> None:
    """Refuse, in production, a database that `demo seed` has filled. Raises SettingError.

    An account counts by its address together with the credit that the seed gave it: the address alone is anybody's to sign
    up with, who could so keep the shop from starting.
    """
    if app.config["SHOP_MODE"] != "production":
        return
    with app.app_context():
        seeded = _holds_seeded_accounts()
        db.session.close()
        db.engine.dispose()  # servers may fork now: no connection is handed on
    if seeded:
        raise SettingError("DATABASE_URL: production refuses a database with demo accounts")


def _holds_seeded_accounts() -> bool:
    seeded = (
        select(Customer.id)
        .join(Journal, Journal.reference == literal("demo:") + cast(Customer.id, String))
        .where(Customer.email.in_([SPECTATRICE.email, SPECTATEUR.email]))
    )
    try:
        return db.session.scalar(seeded.limit(1)) is not None
    except DBAPIError:  # without tables yet, or away: pages say so by themselves
        return False
