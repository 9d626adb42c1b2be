"""What is missing for a film, and paying it."""

from flask import abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.catalogue import browse
from store.checkout import orders
from store.checkout.forms import ACTS, GapForm
from store.checkout.gap import Gap, gap_of
from store.checkout.start import FilmWish, Purchase
from store.checkout.views.blueprint import blueprint
from store.checkout.views.to_stripe import Page, credit_is_frozen, on_to_stripe
from store.db import db
from store.language import language
from store.ledger.balance import is_frozen
from store.prepaid_cards import denominations
from store.rentals.standing import standing_of
from store.web.corner import visitor_country, visitor_credit


@blueprint.get("/films/<slug>/payer")
@login_required
def pay_gap(slug: str) -> Response | str:
    """What is missing for a film, with the button that pays it; whoever lacks nothing goes where the film is."""
    gap = _gap(slug)
    return _nothing_to_pay(gap) or _gap_page(gap)


@blueprint.post("/films/<slug>/payer")
@login_required
def do_pay_gap(slug: str) -> Response | Page:
    """Order what is missing and go to Stripe's page; nothing is ordered at another sum than the button named."""
    form = GapForm()
    gap = _gap(slug)
    elsewhere = _nothing_to_pay(gap)
    if elsewhere:
        return elsewhere
    if not form.validate() or form.montant.data not in (None, gap.pay_cents):
        return _gap_page(gap, _("Your credit has changed meanwhile: this is what is missing now.")), 422
    purchase = Purchase(
        customer_id=current_user.customer_id,
        wallet_id=current_user.wallet_id,
        email=current_user.email,
        purpose="gap",
        card_price_cents=gap.pay_cents,
        card_credit_cents=gap.pay_cents,
        film=FilmWish(gap.film.slug, gap.act, gap.price_cents),
    )
    return on_to_stripe(
        purchase,
        lambda: _("Credit to watch %(title)s", title=gap.film.title),
        lambda complaint, status=422: (_gap_page(gap, complaint), status),
    )


def _gap(slug: str) -> Gap:
    film = browse.film_page(db.session, slug, language(), clock.today())
    if film is None or not film.playable or film.licence.bar(visitor_country(), clock.today()):
        abort(404)
    # ast-grep-ignore: no-field-from-anywhere  # the address or a field may choose; either names one of two acts
    act = ACTS.get(request.values.get("acte", ""), "rent")
    return gap_of(film, act, visitor_credit() or 0)


def _nothing_to_pay(gap: Gap) -> Response | None:
    """Where the film is for who holds it, has the credit or waits for the bank; None for who has something to pay."""
    debit = orders.debit_for_film(db.session, current_user.customer_id, gap.film.slug)
    if debit:
        return redirect(url_for("checkout.come_back", session_id=debit.stripe_session_id), 303)
    standing = standing_of(db.session, current_user.customer_id, gap.film.id, clock.now())
    is_held = standing is not None and (gap.act == "rent" or standing.kind == "purchase")
    if is_held or not gap.missing_cents:
        return redirect(url_for("catalogue.film", slug=gap.film.slug), 303)
    return None


def _gap_page(gap: Gap, complaint: str | None = None) -> str:
    """The button that pays; to frozen credit nothing is added that could not be spent, and the page says so instead."""
    if is_frozen(db.session, current_user.wallet_id):
        return render_template("checkout/frozen.html", gap=gap, why=credit_is_frozen())
    return render_template(
        "checkout/gap.html",
        gap=gap,
        complaint=complaint,
        play_hours=current_app.config["RENTAL_PLAY_HOURS"],
        denominations=denominations.on_sale(db.session),
    )
