"""Confirming an address: the first one, a new one, or the old one that somebody takes back."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.customers import links
from store.customers.change_address import CONFIRMING, confirm
from store.customers.register import AddressTaken
from store.customers.views.blueprint import behind_a_link, blueprint
from store.db import db, transaction
from store.jobs.enqueue import enqueue
from store.web import sign_in as browser
from store.web.limits import limiter, this_customer
from store.web.next_page import own_path


@blueprint.get("/confirmer")
@login_required
def confirm_first() -> str | Response:
    """What waits for a confirmed address leads here: where the link is, and a button that sends it again."""
    onward = own_path(request.args.get("next"))
    if current_user.confirmed_at:
        return redirect(onward, 303)
    return render_template("customers/confirm_first.html", onward=onward)


@blueprint.post("/confirmer")
@login_required
@limiter.limit("5 per day", key_func=this_customer)
def send_again() -> Response:
    """Mail the link once more."""
    onward = own_path(request.form.get("next"))
    if not current_user.confirmed_at:
        with transaction() as session:
            enqueue(session, "customers.mail_confirm", {"customer_id": current_user.customer_id, "onward": onward})
        flash(_("The link is on its way to %(address)s.", address=current_user.email), "status")
    return redirect(url_for("customers.confirm_first", next=onward), 303)


@blueprint.get("/confirmer/<token>")
def confirmation(token: str) -> Response:
    """What the link does, and the button that does it: mail programs open links by themselves."""
    try:
        link = links.find(db.session, token, CONFIRMING, clock.now())
    except links.LinkOver:
        return _over()
    onward = own_path(request.args.get("next"))
    return behind_a_link(render_template("customers/confirmation.html", link=link, token=token, onward=onward), 200)


@blueprint.post("/confirmer/<token>")
@limiter.limit("30 per 5 minutes")
def do_confirm(token: str) -> Response:
    """Do it, and on to where it was needed."""
    onward = own_path(request.form.get("next"))
    try:
        with transaction() as session:
            purpose = confirm(session, token, clock.now())
    except links.LinkOver:
        return _over()
    except AddressTaken:
        return _taken()
    if purpose == links.UNDO:
        browser.sign_out()
        flash(
            _(
                "The address is yours again, and everybody was signed out. We are mailing you a link to choose a new password."
            ),
            "status",
        )
        return redirect(url_for("customers.sign_in"), 303)
    flash(_("The address is confirmed."), "status")
    return redirect(onward, 303)


def _over() -> Response:
    page = render_template(
        "customers/link_over.html",
        title=_("This link is over"),
        words=_("It was used already or is too old. Nothing was changed."),
        again=(url_for("customers.security"), _("See what is confirmed")),
    )
    return behind_a_link(page, 404)


def _taken() -> Response:
    page = render_template(
        "customers/link_over.html",
        title=_("This address is another account’s"),
        words=_("Somebody signed up with it meanwhile. Nothing was changed: write to us if both accounts are yours."),
        again=(url_for("customers.security"), _("See what is confirmed")),
    )
    return behind_a_link(page, 409)
