"""A passkey's conversation with this browser: its challenge goes along in the signed cookie, and comes back once."""

from flask import Response, abort, current_app, session

from store import clock
from store.customers import passkeys
from store.customers.passkeys import Asked, PasskeyRefused, Site
from store.db import transaction

CHALLENGE = "challenge"
"""In the browser's cookie: what a passkey was asked, so that no other browser may bring the answer."""


def site() -> Site:
    """The shop, as passkeys know it."""
    return Site(current_app.config["SHOP_URL"], current_app.config["SHOP_NAME"])


def site_with_passkeys() -> Site:
    """The shop, if browsers let it have passkeys; else its addresses for them are addresses of nothing."""
    here = site()
    return here if here.can_have_passkeys else abort(404)


def asked(question: Asked) -> Response:
    """Ask this browser; an earlier question is dropped."""
    session[CHALLENGE] = question.challenge
    answer = Response(question.options, mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def use_up_challenge() -> tuple[str, str]:
    """What this browser was asked, and the user handle with it; it cannot be answered again. Raises PasskeyRefused."""
    challenge = session.pop(CHALLENGE, None)
    if not isinstance(challenge, str):
        raise PasskeyRefused
    with transaction() as database:
        return challenge, passkeys.use_up(database, challenge, clock.now())
