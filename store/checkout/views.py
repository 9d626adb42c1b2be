"""Buying a card: to Stripe's page and back."""

from contextlib import suppress
from uuid import uuid4

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.catalogue.models import Film
from store.checkout.forms import FREE_SUM, LONGEST_WAIT, CardForm
from store.checkout.fulfil import settle
from store.checkout.models import Order
from store.checkout.start import Purchase, card_reference, start
from store.db import db
from store.gateways.stripe_gateway import StripeUnavailable
from store.prepaid_cards import denominations, pool
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.web.corner import visitor_credit

blueprint = Blueprint("checkout", __name__)

PURPOSES = {"moi": "self", "cadeau": "gift", "suspendue": "suspended"}


@blueprint.get("/cartes")
def offer() -> str:
    """The cards, each with the button that buys it; `film` is what one came from and goes back to."""
    return _offer_page(CardForm(formdata=request.args))


@blueprint.post("/cartes/acheter")
def buy_card() -> Response | tuple[str, int]:
    """Place an order and go to Stripe's page; a stranger signs in first and comes back to the chosen card."""
    form = CardForm()
    if not current_user.is_authenticated:
        chosen = {"denomination": form.denomination.data, "pour": form.pour.data, "film": form.film.data or None}
        card = url_for("checkout.offer", **chosen)
        return redirect(url_for("customers.sign_in", next=card), 303)
    is_valid = form.validate()
    sums = _sums(form)
    if not is_valid or sums is None:
        return _offer_again(form, _("Choose one of the cards below.") if sums is None and is_valid else None)
    purchase = _purchase(form, *sums)
    try:
        label = _("Prepaid card %(sum)s", sum=_money(purchase.price_cents))
        return redirect(start(purchase, label, clock.now()), 303)
    except WalletFull as full:
        return _offer_again(
            form,
            _(
                "Your credit may hold %(limit)s in all. With what you have and the payments you began, there is room"
                " for %(room)s. Nothing was charged.",
                limit=_money(WALLET_LIMIT_CENTS),
                room=_money(max(full.room_cents, 0)),
            ),
        )
    except StripeUnavailable:
        return _offer_again(
            form, _("Stripe does not answer just now. Nothing was charged; try again in a minute."), 503
        )


def _sums(form: CardForm) -> tuple[int, int] | None:
    """Price and credit, in cents, of what the form asks for; None if that is not on sale."""
    if form.denomination.data == FREE_SUM:
        return form.price_cents, form.price_cents
    chosen = denominations.find(db.session, form.denomination.data or "")
    return (chosen.price_cents, chosen.credit_cents) if chosen else None


def _purchase(form: CardForm, price_cents: int, credit_cents: int) -> Purchase:
    return Purchase(
        customer_id=current_user.customer_id,
        wallet_id=current_user.wallet_id,
        email=current_user.email,
        purpose=PURPOSES[form.pour.data],
        price_cents=price_cents,
        credit_cents=credit_cents,
        gift=_gift(form) if form.is_gift else None,
        film_slug=form.film.data or None,
        form_key=form.form_key.data or None,
    )


def _gift(form: CardForm) -> GiftWish:
    by_mail = form.remise.data != "imprimer"
    return GiftWish(
        delivery="email" if by_mail else "print",
        recipient_name=form.recipient_name.data or "",
        recipient_email=form.recipient_email.data if by_mail else None,
        message=(form.message.data or "").strip(),
        deliver_on=form.deliver_on.data or clock.today(),
    )


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
    card = db.session.scalars(select(PrepaidCard).where(PrepaidCard.reference == card_reference(order.id))).one()
    gift = db.session.scalar(select(Gift).where(Gift.card_id == card.id))
    return render_template("checkout/done.html", order=order, card=card, gift=gift, credit_now=visitor_credit())


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


def _offer_again(form: CardForm, complaint: str | None = None, status: int = 422) -> tuple[str, int]:
    return _offer_page(form, complaint), status


def _offer_page(form: CardForm, complaint: str | None = None) -> str:
    film = form.film.data
    return render_template(
        "checkout/offer.html",
        form=form,
        complaint=complaint,
        denominations=denominations.on_sale(db.session),
        film=db.session.execute(select(Film.slug, Film.title).where(Film.slug == film)).first() if film else None,
        form_key=uuid4().hex,
        pool=pool.count(db.session),
        today=clock.today(),
        last_day=clock.today() + LONGEST_WAIT,
    )


def _money(cents: int) -> str:
    return str(current_app.jinja_env.filters["money"](cents))
