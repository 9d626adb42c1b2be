"""Signing up, in and out: by password or by passkey."""

from flask import current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from store import clock
from store.customers import passkeys, passwords
from store.customers.change_password import WrongPassword, hold_unchanged
from store.customers.device_name import device_name
from store.customers.forms import SignInForm, SignUpForm
from store.customers.models import NO_PASSWORD, Customer
from store.customers.passkeys import NewPasskey, PasskeyRefused
from store.customers.register import AddressTaken, normalise, register
from store.customers.views.blueprint import blueprint, refused
from store.db import db
from store.jobs.enqueue import enqueue
from store.language import language
from store.web import sign_in as browser
from store.web.limits import limiter, submitted_email
from store.web.next_page import own_path
from store.web.passkey import site, site_with_passkeys, use_up_challenge


@blueprint.get("/connexion")
def sign_in() -> str | Response:
    """The form; who is signed in goes on."""
    onward = own_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(onward, 303)
    return _sign_in_page(SignInForm(next=onward, stays=browser.is_remembered()))


@blueprint.post("/connexion")
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=submitted_email)
@limiter.limit("10 per 5 minutes", deduct_when=refused)
@limiter.limit("1000 per 5 minutes", key_func=lambda: "sign-in", deduct_when=refused)
def do_sign_in() -> Response | tuple[str, int]:
    """Sign in and go on; one answer for an unknown address and a wrong password."""
    form = SignInForm()
    form.next.data = own_path(form.next.data)
    if form.validate():
        try:
            _sign_in_by_passkey(form) if form.passkey.data else _sign_in_by_password(form)
        except PasskeyRefused:
            form.form_errors.append(_("This passkey opens no account here."))
        except WrongPassword:
            form.form_errors.append(_("No account matches this address and this password."))
        else:
            return redirect(form.next.data, 303)
    return _sign_in_page(form), 422


@blueprint.get("/inscription")
def sign_up() -> str | Response:
    """The form; who is signed in goes on."""
    onward = own_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(onward, 303)
    return _sign_up_page(SignUpForm(next=onward))


@blueprint.post("/inscription")
@limiter.limit("5 per hour", deduct_when=lambda _response: g.get("address_taken", False))
def do_sign_up() -> Response | tuple[str, int]:
    """A new customer, signed in at once, goes on; a letter asks them to confirm the address."""
    form = SignUpForm()
    form.next.data = own_path(form.next.data)
    if not form.validate():
        return _sign_up_page(form), 422
    try:
        _sign_up_with(form)
    except AddressTaken:
        form.email.errors = [*form.email.errors, _("This address has an account already: sign in instead.")]
        g.address_taken = True
        return _sign_up_page(form), 422
    except PasskeyRefused:
        form.form_errors.append(_("No passkey was made. Try again, or choose a password."))
        return _sign_up_page(form), 422
    return redirect(form.next.data, 303)


@blueprint.post("/deconnexion")
def sign_out() -> Response:
    """End the session, home."""
    browser.sign_out()
    return redirect(url_for("pages.home"), 303)


def _sign_in_by_password(form: SignInForm) -> None:
    """Equally slow for all answers. Raises WrongPassword for whatever is wrong."""
    try:
        address = normalise(form.email.data)
    except ValueError:
        address = ""
    found = db.session.execute(select(Customer.id, Customer.password_hash).where(Customer.email == address)).first()
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    matches = passwords.password_matches(form.password.data, found.password_hash if found else None)
    if not found or not matches:
        raise WrongPassword
    customer_id, checked_hash = found

    def prove(session: Session) -> int:
        hold_unchanged(session, customer_id, checked_hash)
        return customer_id

    browser.sign_in(prove, stays=form.stays.data)


def _sign_in_by_passkey(form: SignInForm) -> None:
    challenge, _handle = use_up_challenge()
    browser.sign_in(
        lambda session: passkeys.show(session, site_with_passkeys(), form.passkey.data, challenge, clock.now()),
        stays=form.stays.data,
        with_second_factor=True,
    )


def _sign_up_with(form: SignUpForm) -> None:
    """Raises AddressTaken and PasskeyRefused; either leaves nothing behind."""
    new_passkey = _new_passkey(form) if form.passkey.data else None
    password_hash = NO_PASSWORD if new_passkey else passwords.hash_password(form.password.data)
    now = clock.now()

    def prove(session: Session) -> int:
        customer_id = register(
            session,
            email=form.email.data,
            name=form.name.data,
            password_hash=password_hash,
            currency=current_app.config["SHOP_CURRENCY"],
            at=now,
            language=language(),
        )
        if new_passkey:
            name = device_name(request.user_agent.string) or _("My first passkey")
            passkeys.add(session, customer_id, new_passkey, name, now)
        enqueue(session, "customers.mail_confirm", {"customer_id": customer_id, "onward": form.next.data})
        return customer_id

    browser.sign_in(prove, with_second_factor=new_passkey is not None, is_announced=False)


def _new_passkey(form: SignUpForm) -> NewPasskey:
    if db.session.scalar(select(Customer.id).where(Customer.email == form.email.data)) is not None:
        raise AddressTaken(form.email.data)
    return passkeys.check_new(site_with_passkeys(), form.passkey.data, *use_up_challenge())


def _sign_in_page(form: SignInForm) -> str:
    return render_template("customers/sign_in.html", form=form, with_passkeys=site().can_have_passkeys)


def _sign_up_page(form: SignUpForm) -> str:
    return render_template("customers/sign_up.html", form=form, with_passkeys=site().can_have_passkeys)
