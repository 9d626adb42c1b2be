"""The desk's own door: staff show a second factor, and get one at their first visit."""

import segno
from flask import current_app, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from store import clock
from store.audit.record import record
from store.backoffice.blueprint import blueprint
from store.backoffice.forms import EnrolForm, SecondFactorForm
from store.customers import passkeys, second_factor, sessions
from store.customers.passkeys import PasskeyRefused
from store.customers.second_factor import WrongCode
from store.db import db, transaction
from store.web.desk import DESK, before_second_factor
from store.web.limits import limiter, this_customer
from store.web.next_page import own_path
from store.web.passkey import site, site_with_passkeys, use_up_challenge
from store.web.proof import asks_again, is_proved

FAILURES = "10 per 5 minutes"


def _failed(response: Response) -> bool:
    return response.status_code == 422


failures_of_account = limiter.shared_limit(FAILURES, "second factor", key_func=this_customer, deduct_when=_failed)


@blueprint.get("/second-facteur", endpoint="second_factor")
@before_second_factor
def ask() -> str | Response:
    """The box for a code; who has no second factor yet gets one first."""
    onward = own_path(request.args.get("next"), DESK)
    if not second_factor.has_one(db.session, current_user.customer_id):
        return redirect(url_for("backoffice.enrol", next=onward), 303)
    if is_proved():
        return redirect(onward, 303)
    return _page(SecondFactorForm(next=onward))


@blueprint.post("/second-facteur")
@before_second_factor
@failures_of_account
def show() -> Response | tuple[str, int]:
    """The second factor is shown: the desk is open in this browser for a working day."""
    form = SecondFactorForm()
    form.next.data = own_path(form.next.data, DESK)
    if form.validate():
        try:
            _show_passkey(form) if form.passkey.data else _show_code(form)
        except (WrongCode, PasskeyRefused):
            form.code.errors = [
                _("This is no second factor of yours, or was used already. Wait for the app’s next code.")
            ]
        else:
            return redirect(form.next.data, 303)
    return _page(form), 422


@blueprint.get("/second-facteur/inscription")
@before_second_factor
@asks_again("backoffice.enrol")
def enrol() -> Response:
    """A secret for an app. An app that is there is replaced only by who has just shown it."""
    secret, key = second_factor.new_secret(), current_app.config["SECRET_KEY"]
    form = EnrolForm(next=own_path(request.args.get("next"), DESK), sealed=second_factor.seal(key, secret, clock.now()))
    return _enrol_page(form, secret)


@blueprint.post("/second-facteur/inscription")
@before_second_factor
@asks_again("backoffice.enrol")
@failures_of_account
def do_enrol() -> Response:
    """The app is the second factor from now on; its recovery codes are shown this once."""
    form = EnrolForm()
    form.next.data = own_path(form.next.data, DESK)
    key, now = current_app.config["SECRET_KEY"], clock.now()
    try:
        secret = second_factor.unseal_shown(key, form.sealed.data or "", now)
    except WrongCode:  # forged, or shown more than an hour ago
        return redirect(url_for("backoffice.enrol", next=form.next.data), 303)
    if not form.validate():
        return _enrol_page(form, secret, 422)
    try:
        with transaction() as session:
            codes = second_factor.enrol(session, current_user.customer_id, key, secret, form.code.data, now)
            _note(session, "second_factor.enrolled")
    except WrongCode:
        form.code.errors = [_("The app shows another code. Look at its clock, and write the newest one.")]
        return _enrol_page(form, secret, 422)
    return _codes_page(codes, form.next.data)


@blueprint.get("/second-facteur/codes")
@asks_again("backoffice.recovery_codes")
def recovery_codes() -> str:
    """How many recovery codes are left, and the button that makes new ones."""
    left = second_factor.recovery_codes_left(db.session, current_user.customer_id)
    return render_template("backoffice/recovery_codes.html", codes=None, left=left, onward=DESK)


@blueprint.post("/second-facteur/codes")
@asks_again("backoffice.recovery_codes")
def replace_recovery_codes() -> Response:
    """New recovery codes, shown this once; the ones before open nothing any more."""
    with transaction() as session:
        codes = second_factor.replace_recovery_codes(session, current_user.customer_id)
        _note(session, "second_factor.codes_replaced", proves=False)
    return _codes_page(codes, DESK)


def _show_code(form: SecondFactorForm) -> None:
    with transaction() as session:
        second_factor.show_code(
            session, current_user.customer_id, current_app.config["SECRET_KEY"], form.code.data or "", clock.now()
        )
        _note(session, "second_factor.shown")


def _show_passkey(form: SecondFactorForm) -> None:
    challenge, _handle = use_up_challenge()
    with transaction() as session:
        shown_by = passkeys.show(session, site_with_passkeys(), form.passkey.data or "", challenge, clock.now())
        if shown_by != current_user.customer_id:
            raise PasskeyRefused
        _note(session, "second_factor.shown")


def _note(session: Session, act: str, *, proves: bool = True) -> None:
    """In the audit log and, if it shows the second factor, in this browser's session."""
    mine, now = current_user.customer_id, clock.now()
    if proves:
        sessions.note_second_factor(session, current_user.session_digest, now)
    record(session, actor=mine, act=act, subject=f"customer:{mine}", facts={}, at=now)


def _page(form: SecondFactorForm) -> str:
    mine = current_user.customer_id
    return render_template(
        "backoffice/second_factor.html",
        form=form,
        has_codes=second_factor.has_app(db.session, mine) or second_factor.recovery_codes_left(db.session, mine) > 0,
        with_passkeys=site().can_have_passkeys and bool(passkeys.of_customer(db.session, mine)),
    )


def _enrol_page(form: EnrolForm, secret: str, status: int = 200) -> Response:
    address = second_factor.address_of(secret, current_user.email, current_app.config["SHOP_NAME"])
    rows = [bytes(row) for row in segno.make_qr(address, error="m").matrix]
    return _kept_nowhere(
        render_template("backoffice/enrol.html", form=form, secret=secret, address=address, qr_rows=rows), status
    )


def _codes_page(codes: list[str], onward: str) -> Response:
    return _kept_nowhere(render_template("backoffice/recovery_codes.html", codes=codes, left=len(codes), onward=onward))


def _kept_nowhere(page: str, status: int = 200) -> Response:
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
