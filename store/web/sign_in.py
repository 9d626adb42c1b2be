"""Who is asking: joins the browser's cookie to a session of ours."""

from typing import Any

from flask import Flask, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from store import clock
from store.customers import sessions
from store.customers.models import SignedIn
from store.db import db, transaction
from store.web.next_page import own_path, this_page

manager = LoginManager()


def init_app(app: Flask) -> None:
    """Load `current_user` from the sessions table; send strangers to sign in and back."""
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    app.config["PERMANENT_SESSION_LIFETIME"] = sessions.LONGEST
    manager.session_protection = None  # our table decides; a changed network must not write cookies
    manager.user_loader(_load)
    manager.unauthorized_handler(_ask_to_sign_in)
    manager.init_app(app, add_context_processor=False)  # `corner` tells templates who is there


def sign_in(customer_id: int) -> None:
    """Begin a session for this browser, under a new id and with nothing left of what it held before."""
    earlier = current_user.session_id if current_user.is_authenticated else None
    with transaction() as database:
        if earlier:
            sessions.end(database, earlier)
        session_id = sessions.begin(database, customer_id, request.user_agent.string, clock.now())
    signed_in = sessions.find(db.session, session_id, clock.now())
    session.clear()
    session.permanent = True
    login_user(signed_in)


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
