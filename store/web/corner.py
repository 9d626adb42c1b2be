"""The corner of the layout: the shop's name, what credit the visitor has and, for staff, what waits at the desk."""

from typing import Any

import structlog
from flask import Flask, current_app, g, has_request_context
from flask_login import current_user
from sqlalchemy.exc import OperationalError

from store import clock
from store.audit.alert import open_count
from store.db import db
from store.ledger.balance import credit_of
from store.web.desk import works_here
from store.web.sign_in import forget_visitor, visitor_is_known

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Give every template `shop_name`, `current_user`, `credit_cents` (None for a stranger), `open_alerts` (None but for staff) and
    `visitor_is_unknown`: whether somebody is signed in here, and the database does not say who."""
    app.context_processor(_corner)


def visitor_credit() -> int | None:
    """The signed-in visitor's spendable credit in cents, read once per request; None for a stranger and in letters."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    if "visitor_credit" not in g:
        g.visitor_credit = credit_of(db.session, current_user.wallet_id, clock.now())
    return g.visitor_credit


def visitor_country() -> str:
    """The code of the country in which the visitor says that they live; the shop's for who says nothing."""
    declared = current_user.country if current_user.is_authenticated else None
    return declared or current_app.config["SHOP_COUNTRY"]


def open_alerts() -> int | None:
    """How many alerts wait, read once per request; None for whoever is not staff and in letters."""
    if not has_request_context() or not works_here():
        return None
    if "open_alerts" not in g:
        g.open_alerts = open_count(db.session)
    return g.open_alerts


def _corner() -> dict[str, Any]:
    return {"shop_name": current_app.config["SHOP_NAME"]} | _greeting()


def _greeting() -> dict[str, Any]:
    """Who is there. A page that asked nothing of the database is shown when that is away, only without greeting anybody."""
    if not has_request_context():
        return {"current_user": None, "credit_cents": None, "open_alerts": None, "visitor_is_unknown": False}
    is_unknown = False
    try:
        credit, alerts = visitor_credit(), open_alerts()
    except OperationalError as error:
        if visitor_is_known():  # the page is about them
            raise
        log.warning("shown without its visitor", error=str(error.orig))
        forget_visitor()
        credit, alerts, is_unknown = None, None, True
    return {
        "current_user": current_user,
        "credit_cents": credit,
        "open_alerts": alerts,
        "visitor_is_unknown": is_unknown,
    }
