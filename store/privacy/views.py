"""My data: to take along, and to have erased."""

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.customers import reminders
from store.customers.prove import has_password, knows_password, signed_in_just_now
from store.db import db, transaction
from store.mail import bounces
from store.privacy import archives
from store.privacy.erase import CannotLeave, leave
from store.privacy.forms import EraseForm, word_to_type
from store.privacy.remains import Remains, remains_of
from store.rentals.history import kept_since
from store.web import sign_in as browser
from store.web.download import download
from store.web.limits import limiter, this_customer
from store.web.next_page import this_page
from store.web.proof import proof_page

blueprint = Blueprint("privacy", __name__)


@blueprint.get("/compte/donnees")
@login_required
def own_data() -> str:
    """What we know of the customer, and what they can do about it."""
    archive = archives.find(db.session, current_user.customer_id, clock.now())
    return render_template(
        "privacy/own_data.html",
        archive=archive,
        goes_at=archive.ready_at + archives.KEPT if archive and archive.ready_at else None,
        history_since=kept_since(db.session, current_user.customer_id),
        wants_reminders=reminders.wanted(db.session, current_user.customer_id),
        bounce=bounces.find(db.session, current_user.email),
    )


@blueprint.post("/compte/donnees/archive")
@login_required
@limiter.limit("10 per hour", key_func=this_customer)
def ask_for_archive() -> Response:
    """Have everything gathered; the page says how far that is."""
    with transaction() as session:
        archives.ask(session, current_user.customer_id, clock.now())
    return redirect(url_for("privacy.own_data", _anchor="archive"), 303)


@blueprint.get("/compte/donnees/archive.zip")
@login_required
def archive() -> Response:
    """The archive; while there is none, the page that says how far it is."""
    content = archives.content_of(db.session, current_user.customer_id, clock.now())
    if content is None:
        return redirect(url_for("privacy.own_data", _anchor="archive"), 303)
    return download(f"{_('my-data')}-{clock.today()}.zip", content, "application/zip")


@blueprint.post("/compte/donnees/rappels")
@login_required
def choose_reminders() -> Response:
    """Letters about offered credit that ends: `recevoir` = `oui` or anything else."""
    wanted = request.form.get("recevoir") == "oui"
    with transaction() as session:
        reminders.choose(session, current_user.customer_id, wanted=wanted)
    flash(_("Noted: we remind you.") if wanted else _("Noted: no more reminders."), "status")
    return redirect(url_for("privacy.own_data", _anchor="lettres"), 303)


@blueprint.post("/compte/donnees/adresse")
@login_required
def address_works() -> Response:
    """The customer says that letters arrive at their address again."""
    with transaction() as session:
        bounces.forget(session, current_user.email)
    flash(_("Noted: we write to %(address)s again.", address=current_user.email), "status")
    return redirect(url_for("privacy.own_data", _anchor="lettres"), 303)


@blueprint.get("/compte/donnees/effacer")
@login_required
def before_erasing() -> str:
    """The first step: what goes, what stays and how long, what becomes of the credit."""
    return render_template("privacy/before_erasing.html", remains=_remains())


@blueprint.get("/compte/donnees/effacer/confirmer")
@login_required
def confirm_erasing() -> str | Response:
    """The second step: that the account is theirs, and that they mean it; `rendre` names cards to give back."""
    if _proves_by_passkey():
        return redirect(proof_page(this_page()), 303)
    return _confirm(EraseForm(asks_password=_asks_password()))


@blueprint.post("/compte/donnees/effacer/confirmer")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=lambda response: response.status_code == 422, key_func=this_customer)
def erase() -> Response | tuple[str | Response, int]:
    """Close the account: from here on nobody signs in to it."""
    if _proves_by_passkey():
        return redirect(proof_page(url_for("privacy.confirm_erasing")), 303)
    form = EraseForm(asks_password=_asks_password())
    if form.validate() and form.password and not _is_own_password(form.password.data):
        form.password.errors = [*form.password.errors, _("This is not the password of your account.")]
    if form.errors:
        return _confirm(form), 422
    try:
        leave(current_user.customer_id, current_user.wallet_id, _chosen(_remains()), clock.now())
    except CannotLeave:
        return redirect(url_for("privacy.before_erasing"), 303)
    browser.sign_out()
    return redirect(url_for("privacy.erased"), 303)


@blueprint.get("/compte-ferme")
def erased() -> str:
    """What whoever left is told; the same to everybody."""
    return render_template("privacy/erased.html")


@blueprint.get("/rappels/<token>")
def stop_reminders(token: str) -> str:
    """From a letter: the button that ends its kind. Nothing changes before it is pressed."""
    if reminders.read(current_app.config["SECRET_KEY"], token) is None:
        abort(404)
    return render_template("privacy/stop_reminders.html", token=token, is_done=False)


@blueprint.post("/rappels/<token>")
def do_stop_reminders(token: str) -> str:
    """No more reminders for whom that letter was written to."""
    customer_id = reminders.read(current_app.config["SECRET_KEY"], token)
    if customer_id is None:
        abort(404)
    with transaction() as session:
        reminders.choose(session, customer_id, wanted=False)
    return render_template("privacy/stop_reminders.html", token=token, is_done=True)


def _remains() -> Remains:
    return remains_of(db.session, current_user.customer_id, current_user.wallet_id, clock.now())


def _asks_password() -> bool:
    return not signed_in_just_now(db.session, current_user.session_digest, clock.now())


def _proves_by_passkey() -> bool:
    """Whether the customer must show who they are and has no password to be asked for."""
    return _asks_password() and not has_password(db.session, current_user.customer_id)


def _is_own_password(password: str) -> bool:
    return knows_password(db.session, current_user.customer_id, password)


def _chosen(remains: Remains) -> set[int]:
    """Of the cards that can be given back, those that the customer ticked."""
    wanted = set((request.form if request.method == "POST" else request.args).getlist("rendre"))
    return {offer.card.id for offer in remains.offers if str(offer.card.id) in wanted}


def _confirm(form: EraseForm) -> str | Response:
    remains = _remains()
    if not remains.may_leave:
        return redirect(url_for("privacy.before_erasing"), 303)
    chosen = _chosen(remains)
    return render_template(
        "privacy/confirm_erasing.html",
        form=form,
        word=word_to_type(),
        given_back=[offer for offer in remains.offers if offer.card.id in chosen],
        lost_cents=remains.lost_cents(chosen),
        gifts=[gift for gift in remains.gifts if gift.card_id not in chosen],
    )
