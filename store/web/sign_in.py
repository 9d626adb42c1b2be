"""Who is asking: joins the browser's cookie to a session of ours."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask, after_this_request, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from store import clock
from store.customers import sessions
from store.customers.come_in import Browser, come_in
from store.customers.models import SignedIn
from store.db import db, transaction
from store.web.next_page import own_path, this_page

manager = LoginManager()

STAYS = "stays"
"""In the browser's cookie: its device asked to stay signed in."""


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie, which lives as long as the session that it names may."""

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """When the browser forgets it."""
        longest = sessions.LONGEST_REMEMBERED if session.get(STAYS) else sessions.LONGEST
        return clock.now() + longest if session.permanent else None


def init_app(app: Flask) -> None:
    """Load `current_user` from the sessions table; send strangers to sign in and back."""
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.LONGEST_REMEMBERED  # of the signature; the table ends it before
    app.session_interface = Cookies()
    manager.session_protection = None  # our table decides; a changed network must not write cookies
    manager.user_loader(_load)
    manager.unauthorized_handler(_ask_to_sign_in)
    manager.init_app(app, add_context_processor=False)  # `corner` tells templates who is there


def sign_in(
    prove: Callable[[Session], int], *, stays: bool = False, with_second_factor: bool = False, is_announced: bool = True
) -> None:
    """Begin a session for this browser, under a new id and with nothing left of what it held before.

    `prove` says whose, inside the transaction that begins it, and raises if they are nobody after all: nothing then changes.
    """
    here, now = _this_browser(), clock.now()
    with transaction() as database:
        entered = come_in(
            database,
            prove(database),
            here,
            now,
            stays=stays,
            with_second_factor=with_second_factor,
            is_announced=is_announced,
        )
    signed_in = sessions.find(db.session, entered.session_id, now)
    session.clear()
    session.permanent = True
    session[STAYS] = stays
    login_user(signed_in)
    _keep_device(entered.device_token)


def is_remembered() -> bool:
    """Whether this browser holds the cookie of a device that asked to stay signed in."""
    return device_cookie() in request.cookies


def device_cookie() -> str:
    """The name of the cookie of the device's own."""
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"


def sign_out() -> None:
    """End this browser's session; a copy of its cookie dies with it."""
    if current_user.is_authenticated:
        with transaction() as database:
            sessions.end(database, current_user.session_id)
    logout_user()
    session.clear()


def forget_visitor() -> None:
    """Nobody is signed in for the rest of this request: a page can be drawn without the database."""
    g._login_user = manager.anonymous_user()  # where Flask-Login keeps `current_user`


def visitor_is_known() -> bool:
    """Whether somebody has asked in this request who makes it, and learned it."""
    return "_login_user" in g


def _this_browser() -> Browser:
    return Browser(
        user_agent=request.user_agent.string,
        earlier_session_id=current_user.session_id if current_user.is_authenticated else None,
        device_token=request.cookies.get(device_cookie(), ""),
    )


def _keep_device(token: str | None) -> None:
    """Let the browser keep its device's token, or drop the one that it brought and did not ask for again."""

    @after_this_request
    def keep(answer: Response) -> Response:
        if token:
            answer.set_cookie(
                device_cookie(),
                token,
                max_age=sessions.LONGEST_REMEMBERED,
                secure=current_app.config["SESSION_COOKIE_SECURE"],
                httponly=True,
                samesite="Lax",
            )
        elif is_remembered():
            answer.delete_cookie(device_cookie(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True)
        return answer


def _load(session_id: str) -> SignedIn | None:
    now = clock.now()
    found = sessions.find(db.session, session_id, now)
    if found and sessions.is_stale(found.seen_at, now):
        with transaction() as database:
            sessions.touch(database, session_id, now)
    return found


def _ask_to_sign_in() -> Response | tuple[Any, int]:
    """A page goes on after signing in; a form cannot, so its page is where one comes back to."""
    onward = this_page() if request.method == "GET" else own_path(request.form.get("next"))
    return redirect(url_for("customers.sign_in", next=onward), 303)
