"""A payment under way: back from Stripe's page, given up, or gone on with."""

from contextlib import suppress
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.catalogue import browse
from store.checkout import orders
from store.checkout.fulfil import settle
from store.checkout.grant_film import GRANTED, grant_film, why_missed
from store.checkout.models import Order
from store.checkout.receipts import sale_of
from store.checkout.views.blueprint import blueprint
from store.checkout.views.to_stripe import Page, stripe_is_away
from store.db import db
from store.gateways.stripe_gateway import StripeUnavailable, fetch_session
from store.language import language
from store.rentals.standing import standing_of
from store.web.corner import visitor_credit
from store.web.next_page import to_payment


@blueprint.get("/paiement/retour")
@login_required
def come_back() -> Response | str:
    """Back from Stripe: settle what it confirms, else say which step is under way. Someone else's Session shows nothing."""
    session_id = request.args.get("session_id", "")
    order = _order_of(session_id)
    if order.state != "paid":
        with suppress(StripeUnavailable):  # then the waiting page asks again
            settle(session_id)
        order = _order_of(session_id)
    if order.state == "paid" and order.purpose == "gap" and order.film_outcome is None:
        grant_film(order.id, clock.now())
        order = _order_of(session_id)
    return _page_of(order)


@blueprint.get("/paiement/abandon")
def give_up() -> Response | str:
    """Back from Stripe without paying: nothing was charged, and `commande` can still be paid by whose it is."""
    order = _own_order()
    if order and order.state in ("paid", "processing"):
        return redirect(url_for("checkout.come_back", session_id=order.stripe_session_id), 303)
    return _given_up_page(order)


@blueprint.get("/paiement/reprendre")
@login_required
def resume() -> Response | Page:
    """On to the page of Stripe's on which `commande` can still be paid: the same Session, the same order."""
    order = _own_order() or abort(404)
    if order.stripe_session_id is None:
        return redirect(_start_again(order), 303)
    try:
        checkout = fetch_session(order.stripe_session_id)
    except StripeUnavailable:
        return _given_up_page(order, stripe_is_away()), 503
    if checkout and checkout.status == "open" and checkout.url:
        return to_payment(checkout.url)
    return redirect(url_for("checkout.come_back", session_id=order.stripe_session_id), 303)


def _page_of(order: Order) -> Response | str:
    """What became of an order; a film that was paid for is shown at once."""
    if order.state in ("failed", "lapsed"):
        return render_template("checkout/unpaid.html", order=order, again=_start_again(order))
    if order.state != "paid":
        return render_template("checkout/waiting.html", order=order, film=_film_of(order))
    if order.film_outcome == GRANTED:
        return redirect(url_for("playback.player", slug=order.film_slug), 303)
    return render_template(
        "checkout/done.html",
        order=order,
        cards=orders.cards_of(db.session, order),
        receipt=sale_of(db.session, order.id),
        credit_now=visitor_credit(),
        **_next_film(order),
    )


def _next_film(order: Order) -> dict[str, Any]:
    """The film that a purchase was for, how the customer stands with it, and why an exact payment did not give it."""
    film = _film_of(order)
    standing = standing_of(db.session, current_user.customer_id, film.id, clock.now()) if film else None
    missed = (
        why_missed(order.film_outcome, film.title if film else order.film_slug or "") if order.film_outcome else None
    )
    return {"film": film, "standing": standing, "missed": missed}


def _film_of(order: Order) -> browse.FilmPage | None:
    return browse.film_page(db.session, order.film_slug, language(), clock.today()) if order.film_slug else None


def _order_of(session_id: str) -> Order:
    db.session.rollback()  # what others committed meanwhile counts
    return orders.by_session(db.session, current_user.customer_id, session_id) or abort(404)


def _own_order() -> Order | None:
    if not current_user.is_authenticated:
        return None
    return orders.by_key(db.session, current_user.customer_id, request.args.get("commande", ""))


def _given_up_page(order: Order | None, complaint: str | None = None) -> str:
    can_be_paid = order is not None and order.state == "pending" and order.expires_at > clock.now()
    return render_template(
        "checkout/abandoned.html",
        order=order if can_be_paid else None,
        film=_film_of(order) if order else None,
        again=_start_again(order) if order else url_for("checkout.offer"),
        complaint=complaint,
    )


def _start_again(order: Order) -> str:
    """Where one orders the same anew."""
    acte = "acheter" if order.film_act == "buy" else None
    if order.purpose == "gap":
        return url_for("checkout.pay_gap", slug=order.film_slug, acte=acte)
    return url_for("checkout.offer", film=order.film_slug, acte=acte)
