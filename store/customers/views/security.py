"""What protects the account."""

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from store.customers import declare, passwords
from store.customers.forms import PinForm
from store.customers.models import Customer
from store.customers.views.blueprint import blueprint, refused
from store.db import db, transaction
from store.web.limits import limiter, this_customer


@blueprint.get("/compte/securite")
@login_required
def security() -> str:
    """What protects the account."""
    return _security(PinForm())


@blueprint.post("/compte/securite/code")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=refused, key_func=this_customer)
def set_pin() -> Response | tuple[str, int]:
    """A new code for films that are not for minors."""
    form = PinForm()
    if form.validate() and not _is_own_password(form.password.data):
        form.password.errors = [*form.password.errors, _("This is not the password of your account.")]
    if form.errors:
        return _security(form), 422
    pin_hash = passwords.hash_password(form.pin.data)
    with transaction() as session:
        declare.pin(session, current_user.customer_id, pin_hash)
    flash(_("The code is set. It is asked for before films that are not for minors."), "status")
    return redirect(url_for("customers.security"), 303)


def _security(form: PinForm) -> str:
    has_pin = declare.pin_hash_of(db.session, current_user.customer_id) is not None
    return render_template("customers/security.html", form=form, has_pin=has_pin)


def _is_own_password(password: str) -> bool:
    stored = db.session.scalar(select(Customer.password_hash).where(Customer.id == current_user.customer_id))
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    return passwords.password_matches(password, stored)
