"""Buying a card: to Stripe's page and back."""

from contextlib import suppress

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.checkout.forms import CardForm
from store.checkout.fulfil import settle
from store.checkout.models import Order
from store.checkout.start import Purchase, WalletFull, start
from store.db import db
from store.gateways.stripe_gateway import StripeUnavailable
from store.prepaid_cards import denominations
from store.prepaid_cards.models import PrepaidCard
from store.web.corner import visitor_credit

blueprint = Blueprint("checkout", __name__)


@blueprint.post("/cartes/acheter")
def buy_card() -> Response | tuple[str, int]:
    """Place an order and go to Stripe's page; a stranger signs in first and comes back to the chosen card."""
    form = CardForm()
    if not current_user.is_authenticated:
        card = url_for("prepaid_cards.offer", denomination=form.denomination.data, film=form.film.data or None)
        return redirect(url_for("customers.sign_in", next=card), 303)
    denomination = denominations.find(db.session, form.denomination.data or "")
    if denomination is None or not form.validate():
        return _offer_again(_("Choose one of the cards below."))
    money = current_app.jinja_env.filters["money"]
    purchase = Purchase(
        customer_id=current_user.customer_id,
        wallet_id=current_user.wallet_id,
        email=current_user.email,
        denomination=denomination,
        film_slug=form.film.data or None,
        form_key=form.form_key.data or None,
    )
    try:
        label = _("Prepaid card %(sum)s", sum=money(denomination.price_cents))
        return redirect(start(purchase, label, clock.now()), 303)
    except WalletFull as full:
        return _offer_again(
            _(
                "Your credit may hold %(limit)s in all. With what you have and the payments you began, there is room"
                " for %(room)s. Nothing was charged.",
                limit=money(250_00),
                room=money(max(full.room_cents, 0)),
            )
        )
    except StripeUnavailable:
        return _offer_again(_("Stripe does not answer just now. Nothing was charged; try again in a minute."), 503)


@blueprint.get("/paiement/retour")
@login_required
def come_back() -> Response | str | tuple[str, int]:
    """Back from Stripe: settle what it confirms, else say which step is under way. Someone else's Session shows nothing."""
    session_id = request.args.get("session_id", "")
    order = _own_order(session_id)
    if order is None:
        abort(404)
    if order.state != "paid":
        with suppress(StripeUnavailable):  # then the waiting page asks again
            settle(session_id)
        db.session.rollback()
        order = _own_order(session_id)
    if order is None or order.state != "paid":
        return render_template("checkout/waiting.html", order=order), 200
    card = db.session.scalars(select(PrepaidCard).where(PrepaidCard.reference == f"order:{order.id}")).one()
    return render_template("checkout/done.html", order=order, card=card, credit_now=visitor_credit())


@blueprint.get("/paiement/abandon")
def give_up() -> str:
    """Back from Stripe without paying: nothing was charged."""
    return render_template("checkout/abandoned.html")


def _own_order(session_id: str) -> Order | None:
    return db.session.scalar(
        select(Order)
        .where(Order.stripe_session_id == session_id, Order.customer_id == current_user.customer_id)
        .execution_options(populate_existing=True)
    )


def _offer_again(complaint: str, status: int = 422) -> tuple[str, int]:
    return (
        render_template(
            "prepaid_cards/offer.html",
            denominations=denominations.on_sale(db.session),
            chosen=request.form.get("denomination"),
            film=None,
            form_key="",
            complaint=complaint,
        ),
        status,
    )
