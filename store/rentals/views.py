"""Renting and buying from the film page, and the customer's own films."""

from collections.abc import Callable

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.checkout import give_back
from store.db import db, transaction
from store.jobs.enqueue import enqueue
from store.ledger.post import InsufficientCredit, WalletFrozen
from store.rentals import history, watchlist
from store.rentals.rent import Grant, NotForSale, NotOffered, Terms, buy, rent
from store.rentals.standing import films_of
from store.rentals.undo import TooLate
from store.stop import stop_at

blueprint = Blueprint("rentals", __name__)


@blueprint.post("/films/<slug>/louer")
@login_required
def rent_film(slug: str) -> Response:
    """Rent with credit, then on to the player page."""
    return _spend_on(slug, rent, url_for("checkout.pay_gap", slug=slug))


@blueprint.post("/films/<slug>/acheter")
@login_required
def buy_film(slug: str) -> Response:
    """Buy with credit, then on to the player page."""
    return _spend_on(slug, buy, url_for("checkout.pay_gap", slug=slug, acte="acheter"))


@blueprint.post("/films/<slug>/annuler")
@login_required
def undo_rental(slug: str) -> Response:
    """Undo a rental that was never begun."""
    try:
        with transaction() as session:
            given = give_back.undo_rental(session, current_user.customer_id, current_user.wallet_id, slug, clock.now())
    except TooLate:
        flash(_("This rental has begun or is over: it can no longer be undone."), "alert")
        return redirect(url_for("rentals.own_films"), 303)
    flash(_told(given), "status")
    return redirect(url_for("catalogue.film", slug=slug), 303)


@blueprint.get("/compte/films")
@login_required
def own_films() -> str:
    """What the customer may play, and what is over."""
    return render_template(
        "rentals/own_films.html",
        films=films_of(db.session, current_user.customer_id, clock.now()),
        history_since=history.kept_since(db.session, current_user.customer_id),
    )


@blueprint.post("/compte/films/vus")
@login_required
def films_seen() -> Response:
    """Remember which films are seen (`garder` = `oui`), or forget them all (`non`)."""
    with transaction() as session:
        if request.form.get("garder") == "oui":
            history.keep(session, current_user.customer_id, clock.now())
        else:
            history.forget(session, current_user.customer_id)
    return redirect(url_for("rentals.own_films"), 303)


@blueprint.post("/films/<slug>/liste")
@login_required
def keep_for_later(slug: str) -> Response:
    """Put a film on one's list (`garder` = `oui`) or take it off (`non`); a script gets 204, a form its page again."""
    keeps = request.form.get("garder") == "oui"
    try:
        with transaction() as session:
            if keeps:
                watchlist.note(session, current_user.customer_id, slug, clock.now())
            else:
                watchlist.forget(session, current_user.customer_id, slug)
    except watchlist.UnknownFilm:
        abort(404)
    except watchlist.ListIsFull:
        flash(_("Your list is full: take a film off it first. Nothing was changed."), "alert")
        return redirect(url_for("rentals.own_list"), 303)
    if request.accept_mimetypes.best == "application/json":
        return Response(status=204, headers={"Cache-Control": "no-store"})
    if request.form.get("depuis") == "liste":
        return redirect(url_for("rentals.own_list"), 303)
    return redirect(url_for("catalogue.film", slug=slug), 303)


@blueprint.get("/compte/liste")
@login_required
def own_list() -> str:
    """The films that the customer wants to see later."""
    return render_template("rentals/own_list.html", films=watchlist.listed_films(db.session, current_user.customer_id))


def _told(given: give_back.GivenBack) -> str:
    money = current_app.jinja_env.filters["money"]
    if given.credit_cents == given.price_cents:
        return _("The rental is undone: %(sum)s are back in your credit.", sum=money(given.price_cents))
    return _(
        "The rental is undone. It was paid with a card whose own payment has been pulled back: of %(sum)s, %(owed)s settle"
        " that first, and %(back)s are back in your credit.",
        sum=money(given.price_cents),
        owed=money(given.price_cents - given.credit_cents),
        back=money(given.credit_cents),
    )


def _spend_on(slug: str, act: Callable[..., Grant], checkout: str) -> Response:
    terms = Terms.of(current_app.config)
    try:
        with transaction() as session:
            granted = act(session, current_user.customer_id, current_user.wallet_id, slug, terms, clock.now())
            if granted.is_new:
                enqueue(session, "rentals.mail_granted", {"entitlement_id": granted.entitlement_id})
    except NotOffered:
        flash(_("Nothing was charged: this film may not be offered here and now. Its page says why."), "alert")
        return redirect(url_for("catalogue.film", slug=slug), 303)
    except NotForSale:
        abort(404)
    except InsufficientCredit:
        return redirect(checkout, 303)
    except WalletFrozen:
        flash(
            _(
                "Your credit is frozen: a payment was refunded whose credit had been spent. Nothing was charged, your films"
                " stay yours. Write to us and we settle it together."
            ),
            "alert",
        )
        return redirect(url_for("catalogue.film", slug=slug), 303)
    stop_at(f"{act.__name__}.committed")
    return redirect(url_for("playback.player", slug=slug), 303)
