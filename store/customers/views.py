"""Signing up, in and out; my account and my credit."""

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.customers import passwords
from store.customers.forms import SignInForm, SignUpForm
from store.customers.models import Customer
from store.customers.register import AddressTaken, normalise, register
from store.db import db, transaction
from store.ledger.balance import credit_of, statement_of
from store.prepaid_cards.own import describe as describe_cards
from store.prepaid_cards.own import tickets_of
from store.rentals.own import describe as describe_films
from store.rentals.standing import films_of
from store.web import sign_in as browser
from store.web.limits import limiter, submitted_email
from store.web.next_page import own_path

blueprint = Blueprint("customers", __name__)

FAILED_SIGN_IN = 422


def _failed(response: Response) -> bool:
    return response.status_code == FAILED_SIGN_IN


@blueprint.get("/connexion")
def sign_in() -> str | Response:
    """The form; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")), 303)
    return render_template("customers/sign_in.html", form=SignInForm(next=own_path(request.args.get("next"))))


@blueprint.post("/connexion")
@limiter.limit("10 per 5 minutes", deduct_when=_failed, key_func=submitted_email)
@limiter.limit("10 per 5 minutes", deduct_when=_failed)
@limiter.limit("1000 per 5 minutes", key_func=lambda: "sign-in", deduct_when=_failed)
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
    return render_template("customers/sign_in.html", form=form), FAILED_SIGN_IN


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


@blueprint.get("/compte")
@login_required
def account() -> str:
    """Where everything of one's own begins."""
    films = films_of(db.session, current_user.customer_id, clock.now())
    return render_template("customers/account.html", films=[film for film in films if film.in_force][:5])


@blueprint.get("/compte/credit")
@login_required
def credit() -> str:
    """What remains, lot by lot, and the statement."""
    movements = statement_of(db.session, current_user.wallet_id)
    references = [movement.reference for movement in movements]
    return render_template(
        "customers/credit.html",
        credit_now=credit_of(db.session, current_user.wallet_id, clock.now()),
        tickets=tickets_of(db.session, current_user.wallet_id),
        movements=movements,
        cards=describe_cards(db.session, references),
        films=describe_films(db.session, references),
    )


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
