"""The cards that one can buy, the form that does it, and what is kept of it while a stranger signs in."""

from uuid import uuid4

from flask import current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from store import clock
from store.catalogue.models import Film
from store.checkout import draft
from store.checkout.forms import ACTS, FREE_SUM, LONGEST_WAIT, CardForm
from store.checkout.start import FilmWish, Purchase
from store.checkout.views.blueprint import blueprint
from store.checkout.views.to_stripe import Page, money, on_to_stripe
from store.db import db
from store.prepaid_cards import denominations, pool
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.print_cards import unprintable
from store.web.next_page import drop_for, keep_for, kept

PURPOSES = {"moi": "self", "cadeau": "gift", "suspendue": "suspended"}
DRAFT_COOKIE = "draft"
OF_ONE_PAGE = {"csrf_token", "form_key"}
"""Fields of a form that are of no use in another."""


@blueprint.get("/cartes")
def offer() -> str:
    """The cards, each with the button that buys it; `film` is what one came from and goes back to.

    With `brouillon` the form is filled as it was before signing in.
    """
    if "brouillon" not in request.args:
        return _offer_page(CardForm(formdata=request.args))
    written = _draft()
    note = (
        _("What you filled in is still here: look it over, then press the button.")
        if written
        else _("What you filled in is no longer here: it is kept for an hour and a half, and until you order.")
    )
    return _offer_page(CardForm(formdata=written or request.args), note=note)


@blueprint.post("/cartes/acheter")
def buy_card() -> Response | Page:
    """Place an order and go to Stripe's page.

    A stranger signs in first, who gives confirms the address first, and both come back to the form as it was filled.
    """
    form = CardForm()
    is_valid = form.validate()
    sums = _sums(form)
    if not is_valid or sums is None:
        return _offer_again(form, _("Choose one of the cards below.") if sums is None and is_valid else None)
    if not current_user.is_authenticated:
        return _after_a_detour(form, "customers.sign_in")
    if form.is_gift and not current_user.confirmed_at:
        return _after_a_detour(form, "customers.confirm_first")
    return _without_draft(
        on_to_stripe(
            _purchase(form, *sums),
            lambda: _("Prepaid card %(sum)s", sum=money(sums[0])),
            lambda *refusal: _offer_again(form, *refusal),
        )
    )


def _after_a_detour(form: CardForm, endpoint: str) -> Response:
    """On to another page and back. The address remembers which card; what the address must not hold is in the draft."""
    fields = (form.denomination, form.pour, form.combien, form.film, form.acte)
    chosen = {field.name: field.data or None for field in fields}
    sent = {field.name: request.form.getlist(field.name) for field in form if field.name not in OF_ONE_PAGE}
    written = {name: texts for name, texts in sent.items() if any(texts)}
    if written.keys() <= chosen.keys():
        return redirect(url_for(endpoint, next=url_for("checkout.offer", **chosen)), 303)
    back = url_for("checkout.offer", **chosen, brouillon=1, _anchor="offrir")
    answer = redirect(url_for(endpoint, next=back), 303)
    sealed = draft.seal(current_app.config["SECRET_KEY"], written)
    keep_for(url_for("checkout.offer"), answer, DRAFT_COOKIE, sealed, draft.LIFE_S)
    return answer


def _draft() -> MultiDict[str, str] | None:
    """What this browser filled in before signing in."""
    written = draft.unseal(current_app.config["SECRET_KEY"], kept(DRAFT_COOKIE))
    return MultiDict(written) if written else None


def _without_draft(answer: Response | Page) -> Response | Page:
    """The draft has done its work once the order is placed; a page that asks again leaves it."""
    if isinstance(answer, Response):
        drop_for(url_for("checkout.offer"), answer, DRAFT_COOKIE)
    return answer


def _sums(form: CardForm) -> tuple[int, int] | None:
    """Price and credit, in cents, of the card that the form asks for; None if that is not on sale."""
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
        card_price_cents=price_cents,
        card_credit_cents=credit_cents,
        quantity=form.quantity,
        gifts=_gifts(form) if form.is_gift else (),
        film=FilmWish(form.film.data, ACTS.get(form.acte.data or "")) if form.film.data else None,
        form_key=form.form_key.data or None,
    )


def _gifts(form: CardForm) -> list[GiftWish]:
    return [
        GiftWish(
            delivery="email" if form.is_mailed else "print",
            recipient_name=name,
            recipient_email=address,
            message=(form.message.data or "").strip(),
            deliver_on=(form.is_mailed and form.deliver_on.data) or clock.today(),
        )
        for name, address in form.recipients
    ]


def _offer_again(form: CardForm, complaint: str | None = None, status: int = 422) -> Page:
    return _offer_page(form, complaint), status


def _offer_page(form: CardForm, complaint: str | None = None, *, note: str | None = None) -> str:
    film = form.film.data
    return render_template(
        "checkout/offer.html",
        form=form,
        complaint=complaint,
        note=note,
        denominations=denominations.on_sale(db.session),
        film=db.session.execute(select(Film.slug, Film.title).where(Film.slug == film)).first() if film else None,
        form_key=uuid4().hex,
        pool=pool.count(db.session),
        today=clock.today(),
        last_day=clock.today() + LONGEST_WAIT,
        unprinted=unprintable(current_user.name) if current_user.is_authenticated else "",
    )
