"""What protects the account: password, address, passkeys, browsers, and the code for films that are not for minors."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from store import clock
from store.customers import declare, devices, passkeys, passwords, sessions
from store.customers.change_password import WrongPassword, change
from store.customers.device_name import device_name
from store.customers.forms import ChangePasswordForm, NewAddressForm, PasskeyForm, PinForm, ProofForm
from store.customers.models import NO_PASSWORD, Customer
from store.customers.passkeys import PasskeyRefused
from store.customers.views.blueprint import blueprint, refused
from store.db import db, transaction
from store.jobs.enqueue import enqueue
from store.web import sign_in as browser
from store.web.limits import limiter, this_customer
from store.web.next_page import own_path
from store.web.passkey import site, site_with_passkeys, use_up_challenge
from store.web.proof import asks_again, is_proved, proof_page

Page = tuple[str, int]


@blueprint.get("/compte/securite")
@login_required
def security() -> Page:
    """What protects the account."""
    return security_page()


@blueprint.get("/compte/securite/preuve")
@login_required
def proof() -> str | Response:
    """Who is signed in shows once more who they are, and goes on."""
    onward = own_path(request.args.get("next"), "/compte/securite")
    if is_proved():
        return redirect(onward, 303)
    return _proof_page(ProofForm(next=onward))


@blueprint.post("/compte/securite/preuve")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=this_customer)
def do_prove() -> Response | Page:
    """A password or a passkey, shown just now."""
    form = ProofForm()
    form.next.data = own_path(form.next.data, "/compte/securite")
    if form.validate():
        try:
            _prove(form)
        except (WrongPassword, PasskeyRefused):
            form.form_errors.append(_("This is not what opens your account. Nothing was changed."))
        else:
            return redirect(form.next.data, 303)
    return _proof_page(form), 422


@blueprint.post("/compte/securite/mot-de-passe")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=this_customer)
def change_password() -> Response | Page:
    """Another password; every other session ends, and this one goes on under a new id."""
    checked_hash = _password_hash()
    if checked_hash == NO_PASSWORD and not is_proved():
        return redirect(proof_page(url_for("customers.security")), 303)
    form = ChangePasswordForm(has_password=checked_hash != NO_PASSWORD)
    if not form.validate():
        return security_page(password_form=form)
    if form.present and not passwords.password_matches(form.present.data, checked_hash):
        form.present.errors = [_("This is not the password of your account.")]
        return security_page(password_form=form)
    customer_id, new_hash = current_user.customer_id, passwords.hash_password(form.new_password.data)

    def prove(session: Session) -> int:
        change(session, customer_id, checked_hash, new_hash)
        return customer_id

    try:
        browser.sign_in(prove, stays=current_user.device_id is not None, is_announced=False)
    except WrongPassword:
        form.form_errors.append(_("Your password was changed meanwhile, elsewhere: this change was not made."))
        return security_page(password_form=form)
    flash(_("Your password is changed. Every other browser was signed out."), "status")
    return redirect(url_for("customers.security"), 303)


@blueprint.post("/compte/securite/adresse")
@login_required
@asks_again("customers.security")
@limiter.limit("5 per day", deduct_when=lambda response: response.status_code == 303, key_func=this_customer)
def change_address() -> Response | Page:
    """Mail a link to the new address. Whether somebody has signed up with it is not told here."""
    form = NewAddressForm()
    if not form.validate():
        return security_page(address_form=form)
    with transaction() as session:
        enqueue(
            session,
            "customers.mail_new_address",
            {"customer_id": current_user.customer_id, "to": form.new_email.data},
        )
    flash(
        _("A link is on its way to %(address)s. Until you follow it, nothing changes.", address=form.new_email.data),
        "status",
    )
    return redirect(url_for("customers.security"), 303)


@blueprint.post("/compte/securite/code")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=this_customer)
def set_pin() -> Response | Page:
    """A new code for films that are not for minors."""
    stored = _password_hash()
    if stored == NO_PASSWORD and not is_proved():
        return redirect(proof_page(url_for("customers.security")), 303)
    form = PinForm(has_password=stored != NO_PASSWORD)
    if form.validate() and form.password and not passwords.password_matches(form.password.data, stored):
        form.password.errors = [*form.password.errors, _("This is not the password of your account.")]
    if form.errors:
        return security_page(pin_form=form)
    pin_hash = passwords.hash_password(form.pin.data)
    with transaction() as session:
        declare.pin(session, current_user.customer_id, pin_hash)
    flash(_("The code is set. It is asked for before films that are not for minors."), "status")
    return redirect(url_for("customers.security"), 303)


def security_page(**forms: Any) -> Page:
    """The page, with the form that holds an error in the place of its empty one, and its status."""
    mine, now = current_user.customer_id, clock.now()
    has_password = _password_hash() != NO_PASSWORD
    fresh = {
        "password_form": ChangePasswordForm(has_password=has_password, formdata=None),
        "address_form": NewAddressForm(formdata=None),
        "passkey_form": PasskeyForm(formdata=None),
        "pin_form": PinForm(has_password=has_password, formdata=None),
    }
    page = render_template(
        "customers/security.html",
        **fresh | forms,
        has_password=has_password,
        is_proved=is_proved(),
        proof_page=proof_page(url_for("customers.security")),
        has_pin=declare.pin_hash_of(db.session, mine) is not None,
        with_passkeys=site().can_have_passkeys,
        passkeys=passkeys.of_customer(db.session, mine),
        sessions=sessions.of_customer(db.session, mine, now),
        devices=devices.of_customer(db.session, mine),
        device_name=device_name,
    )
    return page, 422 if forms else 200


def _password_hash() -> str:
    stored = db.session.scalars(select(Customer.password_hash).where(Customer.id == current_user.customer_id)).one()
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    return stored


def _prove(form: ProofForm) -> None:
    """Raises WrongPassword, PasskeyRefused."""
    now = clock.now()
    if not form.passkey.data:
        if not passwords.password_matches(form.password.data, _password_hash()):
            raise WrongPassword
        with transaction() as session:
            sessions.note_proof(session, current_user.session_digest, now)
        return
    challenge, _handle = use_up_challenge()
    with transaction() as session:
        shown_by = passkeys.show(session, site_with_passkeys(), form.passkey.data, challenge, now)
        if shown_by != current_user.customer_id:
            raise PasskeyRefused
        sessions.note_second_factor(session, current_user.session_digest, now)


def _proof_page(form: ProofForm) -> str:
    mine = current_user.customer_id
    return render_template(
        "customers/proof.html",
        form=form,
        has_password=_password_hash() != NO_PASSWORD,
        with_passkeys=site().can_have_passkeys and bool(passkeys.of_customer(db.session, mine)),
    )
