"""Passkeys: what a browser is asked, and how they are made, named and removed by their owner."""

from flask import Response as FlaskResponse
from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.customers import passkeys
from store.customers.device_name import device_name
from store.customers.forms import PasskeyForm, SignUpForm
from store.customers.passkeys import LastWayIn, PasskeyRefused
from store.customers.views.blueprint import blueprint
from store.customers.views.security import Page, security_page
from store.db import GREATEST_ID, transaction
from store.jobs.enqueue import enqueue
from store.web.limits import limiter, this_customer
from store.web.passkey import asked, site_with_passkeys, use_up_challenge
from store.web.proof import asks_again, is_proved

QUESTIONS = "60 per 5 minutes"


@blueprint.post("/cle-acces/nouvelle")
@limiter.limit(QUESTIONS)
def ask_new_passkey() -> FlaskResponse | tuple[str, int]:
    """What the authenticator is told to make a passkey of: for who is signed in, or for whom a sign-up form names."""
    here = site_with_passkeys()
    if current_user.is_authenticated:
        if not is_proved():
            abort(403)
        email, name, customer_id = current_user.email, current_user.name, current_user.customer_id
    else:
        form = SignUpForm()
        form.validate()
        if form.email.errors or form.name.errors:
            return "", 422  # the form itself, once sent, says what is wrong
        email, name, customer_id = form.email.data, form.name.data, None
    with transaction() as session:
        question = passkeys.ask_to_make(session, here, email, name, customer_id, clock.now())
    return asked(question)


@blueprint.post("/cle-acces/defi")
@limiter.limit(QUESTIONS)
def ask_passkey() -> FlaskResponse:
    """What a passkey is to answer: one of who is signed in, or whichever its owner chooses."""
    here = site_with_passkeys()
    customer_id = current_user.customer_id if current_user.is_authenticated else None
    with transaction() as session:
        question = passkeys.ask_to_show(session, here, customer_id, clock.now())
    return asked(question)


@blueprint.post("/compte/securite/cles")
@login_required
@asks_again("customers.security")
def add_passkey() -> Response | Page:
    """The passkey that was just made opens the account from now on."""
    form = PasskeyForm()
    if not form.validate():
        return security_page(passkey_form=form)
    mine, now = current_user.customer_id, clock.now()
    name = form.label.data or device_name(request.user_agent.string) or _("Passkey")
    try:
        new_passkey = passkeys.check_new(site_with_passkeys(), form.passkey.data or "", *use_up_challenge())
        with transaction() as session:
            passkeys.add(session, mine, new_passkey, name, now)
            enqueue(session, "customers.mail_changed", {"customer_id": mine, "what": "passkey"})
    except PasskeyRefused:
        form.form_errors.append(_("No passkey was made. Try again; your account is as it was."))
        return security_page(passkey_form=form)
    flash(_("This passkey opens your account from now on."), "status")
    return redirect(url_for("customers.security", _anchor="passkeys"), 303)


@blueprint.post(f"/compte/securite/cles/<int(max={GREATEST_ID}):passkey_id>/nom")
@login_required
@limiter.limit("60 per hour", key_func=this_customer)
def rename_passkey(passkey_id: int) -> Response | Page:
    """Call a passkey by another name."""
    form = PasskeyForm()
    if not form.validate() or not form.label.data:
        flash(_("Nothing was changed: a name has from 1 to 60 characters."), "alert")
    else:
        with transaction() as session:
            is_own = passkeys.rename(session, current_user.customer_id, passkey_id, form.label.data)
        if not is_own:
            abort(404)
    return redirect(url_for("customers.security", _anchor="passkeys"), 303)


@blueprint.post(f"/compte/securite/cles/<int(max={GREATEST_ID}):passkey_id>/retirer")
@login_required
@asks_again("customers.security")
def remove_passkey(passkey_id: int) -> Response:
    """A passkey opens nothing any more; never the last way in."""
    try:
        with transaction() as session:
            is_own = passkeys.remove(session, current_user.customer_id, passkey_id)
    except LastWayIn:
        flash(_("This is the only way into your account: choose a password or make another passkey before."), "alert")
    else:
        if not is_own:
            abort(404)
        flash(_("This passkey opens nothing any more. Remove it from your device, too."), "status")
    return redirect(url_for("customers.security", _anchor="passkeys"), 303)
