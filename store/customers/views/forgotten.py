"""A forgotten password: asked for by address, chosen anew by the link of a letter."""

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.customers import links, passwords
from store.customers.change_password import choose_by_link
from store.customers.forms import ForgottenForm, NewPasswordForm
from store.customers.models import Customer
from store.customers.views.blueprint import behind_a_link, blueprint
from store.db import db, transaction
from store.jobs.enqueue import enqueue
from store.web import sign_in as browser
from store.web.limits import limiter, submitted_email
from store.web.next_page import own_path


def _was_asked(response: Response) -> bool:
    return response.status_code == 303


@blueprint.get("/mot-de-passe-oublie")
def forgotten() -> str:
    """Which address? With `envoye` what happens next: the same for an address that nobody signed up with."""
    onward = own_path(request.args.get("next"))
    return render_template(
        "customers/forgotten.html", form=ForgottenForm(next=onward), is_asked=request.args.get("envoye") == "1"
    )


@blueprint.post("/mot-de-passe-oublie")
@limiter.limit("5 per day", deduct_when=_was_asked, key_func=submitted_email)
@limiter.limit("30 per day", deduct_when=_was_asked)
def do_ask() -> Response | tuple[str, int]:
    """Queue the letter. Nobody's address makes the same work: the worker alone finds that there is nobody to write to."""
    form = ForgottenForm()
    form.next.data = own_path(form.next.data)
    if not form.validate():
        return render_template("customers/forgotten.html", form=form), 422
    customer_id = db.session.scalar(select(Customer.id).where(Customer.email == form.email.data))
    with transaction() as session:
        enqueue(session, "customers.mail_reset", {"customer_id": customer_id, "onward": form.next.data})
    return redirect(url_for("customers.forgotten", envoye=1, next=form.next.data), 303)


@blueprint.get("/mot-de-passe/<token>")
def new_password(token: str) -> Response:
    """The form that the letter leads to, or what to do when its link is over."""
    try:
        links.find(db.session, token, {links.PASSWORD}, clock.now())
    except links.LinkOver:
        return _over()
    return _page(NewPasswordForm(next=own_path(request.args.get("next"))), token)


@blueprint.post("/mot-de-passe/<token>")
@limiter.limit("30 per 5 minutes")
def choose_password(token: str) -> Response:
    """The new password is good, every other session has ended, and this browser is signed in and goes on."""
    form = NewPasswordForm()
    form.next.data = own_path(form.next.data)
    try:
        links.find(db.session, token, {links.PASSWORD}, clock.now())
        if not form.validate():
            return _page(form, token, 422)
        db.session.rollback()  # hashing is slow: no read stays open meanwhile
        password_hash = passwords.hash_password(form.password.data)
        browser.sign_in(lambda session: choose_by_link(session, token, password_hash, clock.now()), is_announced=False)
    except links.LinkOver:
        return _over()
    return redirect(form.next.data, 303)


def _page(form: NewPasswordForm, token: str, status: int = 200) -> Response:
    return behind_a_link(render_template("customers/new_password.html", form=form, token=token), status)


def _over() -> Response:
    onward = own_path((request.form if request.method == "POST" else request.args).get("next"))
    return behind_a_link(
        render_template(
            "customers/link_over.html",
            title=_("This link is over"),
            words=_(
                "It was used already, is more than an hour old, or the password was changed since. Nothing was changed."
            ),
            again=(url_for("customers.forgotten", next=onward), _("Ask for another link")),
        ),
        404,
    )
