"""Buying cards, or what is missing for a film: to Stripe's page and back. My receipts."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from store import clock
from store.catalogue import browse
from store.catalogue.models import Film
from store.checkout import draft, orders
from store.checkout.film_spends import film_receipt, spends_from
from store.checkout.forms import ACTS, FREE_SUM, LONGEST_WAIT, CardForm, GapForm
from store.checkout.fulfil import settle
from store.checkout.gap import Gap, gap_of
from store.checkout.grant_film import GRANTED, grant_film, why_missed
from store.checkout.models import Order, Receipt
from store.checkout.own import LINES, papers_of, read_cursor
from store.checkout.print_receipt import file_name, print_receipt
from store.checkout.receipt_words import write
from store.checkout.receipts import SALE, corrected_by, corrections_of, describe, find, sale_of
from store.checkout.shares import Rates
from store.checkout.start import FilmWish, Purchase, start
from store.db import GREATEST_ID, db
from store.gateways.stripe_gateway import StripeUnavailable, fetch_session
from store.language import language
from store.ledger.post import WalletFrozen
from store.prepaid_cards import denominations, pool
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.own import card_numbers
from store.prepaid_cards.print_cards import unprintable
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.rentals.standing import standing_of
from store.web.corner import visitor_country, visitor_credit
from store.web.next_page import drop_for, keep_for

blueprint = Blueprint("checkout", __name__)

PURPOSES = {"moi": "self", "cadeau": "gift", "suspendue": "suspended"}
DRAFT_COOKIE = "draft"
OF_ONE_PAGE = {"csrf_token", "form_key"}
"""Fields of a form that are of no use in another."""

Page = tuple[str, int]


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
        else _("What you filled in is no longer here: it is kept for half an hour, and until you order.")
    )
    return _offer_page(CardForm(formdata=written or request.args), note=note)


@blueprint.post("/cartes/acheter")
def buy_card() -> Response | Page:
    """Place an order and go to Stripe's page; a stranger signs in first and comes back to the form as it was filled."""
    form = CardForm()
    is_valid = form.validate()
    sums = _sums(form)
    if not is_valid or sums is None:
        return _offer_again(form, _("Choose one of the cards below.") if sums is None and is_valid else None)
    if not current_user.is_authenticated:
        return _sign_in_first(form)
    return _without_draft(
        _on_to_stripe(
            _purchase(form, *sums),
            lambda: _("Prepaid card %(sum)s", sum=_money(sums[0])),
            lambda *refusal: _offer_again(form, *refusal),
        )
    )


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
    return _on_to_stripe(
        purchase,
        lambda: _("Credit to watch %(title)s", title=gap.film.title),
        lambda complaint, status=422: (_gap_page(gap, complaint), status),
    )


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
        return _given_up_page(order, _stripe_is_away()), 503
    if checkout and checkout.status == "open" and checkout.url:
        return redirect(checkout.url, 303)
    return redirect(url_for("checkout.come_back", session_id=order.stripe_session_id), 303)


def _on_to_stripe(purchase: Purchase, label: Callable[[], str], again: Callable[..., Page]) -> Response | Page:
    """To the page on which to pay; or `again` the page that one came from, with a complaint and a status."""
    try:
        return redirect(start(purchase, label, clock.now()), 303)
    except WalletFull as full:
        return again(
            _(
                "Your credit may hold %(limit)s in all. With what you have and the payments you began, there is room"
                " for %(room)s. Nothing was charged.",
                limit=_money(WALLET_LIMIT_CENTS),
                room=_money(max(full.room_cents, 0)),
            )
        )
    except WalletFrozen:
        return again(
            _(
                "Your credit is frozen: a payment was refunded whose credit had been spent. Nothing was charged, your films"
                " stay yours. Write to us and we settle it together."
            )
        )
    except StripeUnavailable:
        return again(_stripe_is_away(), 503)


def _sign_in_first(form: CardForm) -> Response:
    """On to signing in and back. The address remembers which card; what the address must not hold is in the draft."""
    fields = (form.denomination, form.pour, form.combien, form.film, form.acte)
    chosen = {field.name: field.data or None for field in fields}
    sent = {field.name: request.form.getlist(field.name) for field in form if field.name not in OF_ONE_PAGE}
    written = {name: texts for name, texts in sent.items() if any(texts)}
    if written.keys() <= chosen.keys():
        return redirect(url_for("customers.sign_in", next=url_for("checkout.offer", **chosen)), 303)
    back = url_for("checkout.offer", **chosen, brouillon=1, _anchor="offrir")
    answer = redirect(url_for("customers.sign_in", next=back), 303)
    kept = draft.seal(current_app.config["SECRET_KEY"], written)
    keep_for(url_for("checkout.offer"), answer, DRAFT_COOKIE, kept, draft.LIFE_S)
    return answer


def _draft() -> MultiDict[str, str] | None:
    """What this browser filled in before signing in."""
    written = draft.unseal(current_app.config["SECRET_KEY"], request.cookies.get(DRAFT_COOKIE, ""))
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


def _gap(slug: str) -> Gap:
    film = browse.film_page(db.session, slug, language(), clock.today())
    if film is None or not film.playable or film.licence.bar(visitor_country(), clock.today()):
        abort(404)
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


@blueprint.get("/compte/recus")
@login_required
def own_receipts() -> str:
    """Card sales, credit notes and film spends, youngest first, from a cursor on."""
    after = read_cursor(request.args.get("apres", ""))
    papers = papers_of(db.session, current_user.customer_id, after, LINES + 1)
    next_cursor = papers[LINES - 1].cursor if len(papers) > LINES else None
    return render_template("checkout/own_receipts.html", papers=papers[:LINES], next_cursor=next_cursor)


@blueprint.get("/compte/recus/<number>")
@login_required
def receipt(number: str) -> str:
    """A receipt or a credit note, what corrects it, and what its credit was spent on."""
    found = _own_receipt(number)
    corrected = corrected_by(db.session, found)
    sold = [reference for line in found.lines for reference in line["references"]] if found.series == SALE else []
    return render_template(
        "checkout/receipt.html",
        receipt=write(found, corrected),
        corrected=corrected,
        corrections=corrections_of(db.session, found),
        spends=spends_from(db.session, current_user.customer_id, sold),
    )


@blueprint.get("/compte/recus/<number>.pdf")
@login_required
def receipt_pdf(number: str) -> Response:
    """The same on paper."""
    found = _own_receipt(number)
    answer = Response(print_receipt(found, corrected_by(db.session, found)), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name(found)}"'
    return answer


@blueprint.get(f"/compte/recus/films/<int(max={GREATEST_ID}):entitlement_id>")
@login_required
def film_spend(entitlement_id: int) -> str:
    """Where the money of a rental or a purchase goes, from the books."""
    rates = Rates(current_app.config["FILM_TAX_PERCENT"], current_app.config["FILMMAKERS_PERCENT"])
    owner = {"customer_id": current_user.customer_id, "wallet_id": current_user.wallet_id}
    found = film_receipt(db.session, entitlement_id, rates=rates, **owner)
    if found is None:
        abort(404)
    references = [source.lot_reference for source in found.sources]
    return render_template(
        "checkout/film_spend.html",
        found=found,
        rates=rates,
        card_numbers=card_numbers(db.session, current_user.wallet_id),
        receipts=describe(db.session, references, current_user.customer_id),
    )


def _own_receipt(number: str) -> Receipt:
    """The customer's receipt of this number; 404 for somebody else's as for none."""
    found = find(db.session, number, current_user.customer_id)
    if found is None:
        abort(404)
    return found


def _gap_page(gap: Gap, complaint: str | None = None) -> str:
    return render_template(
        "checkout/gap.html",
        gap=gap,
        complaint=complaint,
        play_hours=current_app.config["RENTAL_PLAY_HOURS"],
        denominations=denominations.on_sale(db.session),
    )


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


def _stripe_is_away() -> str:
    return _("Stripe does not answer just now. Nothing was charged; try again in a minute.")


def _money(cents: int) -> str:
    return str(current_app.jinja_env.filters["money"](cents))
