"""The corner of the layout: the shop's name and what credit the visitor has."""

from typing import Any

from flask import Flask, current_app, g, has_request_context
from flask_login import current_user

from store import clock
from store.db import db
from store.ledger.balance import credit_of


def init_app(app: Flask) -> None:
    """Give every template `shop_name` and `credit_cents` (None when nobody is signed in)."""
    app.context_processor(_corner)


def visitor_credit() -> int | None:
    """The signed-in visitor's spendable credit in cents, read once per request; None for a stranger and in letters."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    if "visitor_credit" not in g:
        g.visitor_credit = credit_of(db.session, current_user.wallet_id, clock.now())
    return g.visitor_credit


def _corner() -> dict[str, Any]:
    return {"shop_name": current_app.config["SHOP_NAME"], "credit_cents": visitor_credit()}
