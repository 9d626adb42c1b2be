"""Signing up, in and out."""

from flask import current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.customers import passwords
from store.customers.forms import SignInForm, SignUpForm
from store.customers.models import Customer
from store.customers.register import AddressTaken, normalise, register
from store.customers.views.blueprint import blueprint, refused
from store.db import db, transaction
from store.language import language
from store.web import sign_in as browser
from store.web.limits import limiter, submitted_email
from store.web.next_page import own_path


@blueprint.get("/connexion")
def sign_in() -> str | Response:
    """The form; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")), 303)
    return render_template("customers/sign_in.html", form=SignInForm(next=own_path(request.args.get("next"))))


@blueprint.post("/connexion")
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=submitted_email)
@limiter.limit("10 per 5 minutes", deduct_when=refused)
@limiter.limit("1000 per 5 minutes", key_func=lambda: "sign-in", deduct_when=refused)
def do_sign_in() -> Response | tuple[str, int]:
    """Sign in and go on; one answer for an unknown address and a wrong password."""
    form = SignInForm()
    if form.validate():
        customer_id = _customer_with(form.email.data, form.password.data)
        if customer_id is not None:
            browser.sign_in(customer_id)
            return redirect(own_path(form.next.data), 303)
        form.form_errors.append(_("No account matches this address and this password."))
    form.next.data = own_path(form.next.data)
    return render_template("customers/sign_in.html", form=form), 422


@blueprint.get("/inscription")
def sign_up() -> str | Response:
    """The form; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")), 303)
    return render_template("customers/sign_up.html", form=SignUpForm(next=own_path(request.args.get("next"))))


@blueprint.post("/inscription")
@limiter.limit("5 per hour", deduct_when=lambda _response: g.get("address_taken", False))
def do_sign_up() -> Response | tuple[str, int]:
    """A new customer, signed in at once, goes on."""
    form = SignUpForm()
    if not form.validate():
        return _sign_up_again(form)
    password_hash = passwords.hash_password(form.password.data)
    try:
        with transaction() as session:
            customer_id = register(
                session,
                email=form.email.data,
                name=form.name.data,
                password_hash=password_hash,
                currency=current_app.config["SHOP_CURRENCY"],
                at=clock.now(),
                language=language(),
            )
    except AddressTaken:
        form.email.errors = [*form.email.errors, _("This address has an account already: sign in instead.")]
        g.address_taken = True
        return _sign_up_again(form)
    browser.sign_in(customer_id)
    return redirect(own_path(form.next.data), 303)


@blueprint.post("/deconnexion")
def sign_out() -> Response:
    """End the session, home."""
    browser.sign_out()
    return redirect(url_for("pages.home"), 303)


def _customer_with(email: str, password: str) -> int | None:
    """The customer of this address, if that is the password; equally slow for all answers."""
    try:
        address = normalise(email)
    except ValueError:
        address = ""
    found = db.session.execute(select(Customer.id, Customer.password_hash).where(Customer.email == address)).first()
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    matches = passwords.password_matches(password, found.password_hash if found else None)
    return found.id if found and matches else None


def _sign_up_again(form: SignUpForm) -> tuple[str, int]:
    form.next.data = own_path(form.next.data)
    return render_template("customers/sign_up.html", form=form), 422
