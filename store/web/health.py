"""`/sante`: are the shop and what it needs alive?"""

import time
from collections.abc import Callable
from math import inf

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from store import clock
from store.db import db
from store.gateways import mailer
from store.gateways.media_store import media_store
from store.gateways.stripe_gateway import sandbox_is_up, uses_sandbox
from store.jobs.work import some_worker_lives
from store.web import limits

blueprint = Blueprint("health", __name__)

CAN_BE_WAITED_FOR = {"mail", "redis"}
"""Without them the shop goes on: letters wait for their server, and each process counts tries by itself."""

REMEMBERED_S = {True: 5.0, False: 1.0}
"""For how long what other machines said stands: whoever asks for this page again and again, asks them no more often."""


@blueprint.get("/sante")
def health() -> tuple[Response, int]:
    """200 once every part is up that the shop needs, else 503; each part by name. Every question is given up after two seconds."""
    parts = {
        "shop": True,
        "database": _holds(lambda: db.session.scalar(text("SELECT 1")) == 1),
        "worker": _holds(lambda: some_worker_lives(db.session, clock.now())),
    }
    if uses_sandbox():
        parts["sandbox"] = sandbox_is_up()
    parts |= {name: _remembered(name, question) for name, question in _elsewhere().items()}
    missing = {name for name, is_up in parts.items() if not is_up}
    is_down = bool(missing - CAN_BE_WAITED_FOR)
    status = "down" if is_down else "degraded" if missing else "up"
    answer = jsonify(status=status, parts=parts, mode=current_app.config["SHOP_MODE"])
    answer.headers["Cache-Control"] = "no-store"
    return answer, 503 if is_down else 200


def _elsewhere() -> dict[str, Callable[[], bool]]:
    """What else this shop is set up to use."""
    questions: dict[str, Callable[[], bool]] = {"media": lambda: media_store().answers()}
    if mailer.uses_a_server():
        questions["mail"] = mailer.answers
    if limits.counts_elsewhere():
        questions["redis"] = limits.redis_answers
    return questions


def _remembered(name: str, question: Callable[[], bool]) -> bool:
    said: dict[str, tuple[float, bool]] = current_app.extensions.setdefault("health", {})
    asked_at, answer = said.get(name, (-inf, False))
    if time.monotonic() - asked_at > REMEMBERED_S[answer]:
        answer = question()
        said[name] = time.monotonic(), answer
    return answer


def _holds(question: Callable[[], bool]) -> bool:
    """The answer; no, when the database is away or has no tables yet."""
    try:
        return question()
    except SQLAlchemyError:
        db.session.rollback()
        return False
