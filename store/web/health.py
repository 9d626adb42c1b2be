"""`/sante`: are the shop and the processes that it needs alive?"""

from collections.abc import Callable

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from store import clock
from store.db import db
from store.gateways.stripe_gateway import sandbox_is_up, uses_sandbox
from store.jobs.work import some_worker_lives

blueprint = Blueprint("health", __name__)


@blueprint.get("/sante")
def health() -> tuple[Response, int]:
    """200 once every part is up, else 503; each part by name."""
    parts = {
        "shop": True,
        "database": _holds(lambda: db.session.scalar(text("SELECT 1")) == 1),
        "worker": _holds(lambda: some_worker_lives(db.session, clock.now())),
    }
    if uses_sandbox():
        parts["sandbox"] = sandbox_is_up()
    healthy = all(parts.values())
    answer = jsonify(status="up" if healthy else "down", parts=parts, mode=current_app.config["SHOP_MODE"])
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if healthy else 503


def _holds(question: Callable[[], bool]) -> bool:
    """The answer; no, when the database is away or has no tables yet."""
    try:
        return question()
    except SQLAlchemyError:
        db.session.rollback()
        return False
