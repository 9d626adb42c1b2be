"""Redeeming a card; what is left on one.

A code comes in the body of a POST alone. The links and QR codes that we print carry it after `#`, which browsers keep to
themselves; `static/js/card-code.js` puts it into the box.
"""

import re

import structlog
from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_required
from limits import parse
from werkzeug.wrappers import Response

from store import clock
from store.audit.alert import raise_alert
from store.checkout.orders import under_way
from store.checkout.withdraw import CannotWithdraw, Owes, find_withdrawable, withdraw, withdrawable, withdrawal_of
from store.db import GREATEST_ID, db, transaction
from store.jobs.enqueue import enqueue
from store.mail import bounces
from store.prepaid_cards import claim
from store.prepaid_cards.card_balance import CardBalance, balance_of, code_entered
from store.prepaid_cards.codes import Keys, written
from store.prepaid_cards.forms import AddressForm, CodeForm
from store.prepaid_cards.gifts import (
    REDEEMED,
    NoSuchGift,
    correct_address,
    find_given,
    given_by,
    mark_opened,
    mark_sent,
)
from store.prepaid_cards.own import tickets_of
from store.prepaid_cards.pool import suspended_by
from store.prepaid_cards.print_cards import print_gift
from store.prepaid_cards.redeem import Unredeemable, redeem, redeemed_into
from store.prepaid_cards.reissue import AlreadyRedeemed
from store.prepaid_cards.ticket import TicketFacts, draw_ticket
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS, WalletFull
from store.stop import stop_at
from store.web.corner import visitor_credit
from store.web.limits import limiter
from store.web.next_page import drop_for, keep_for, kept, this_page

blueprint = Blueprint("prepaid_cards", __name__)
blueprint.add_app_template_global(draw_ticket)
blueprint.add_app_template_global(TicketFacts)
log = structlog.get_logger()

CLAIM_COOKIE = "card"
GUESSES = "10 per 5 minutes; 30 per day"
SENDINGS = "30 per day"
CARD_ID = re.compile("[0-9]{1,18}")
PLACE = re.compile("([01])-([0-9]{1,18})")
LINES = 30
"""Of each list of cards on one page."""

ALARMING = parse("200 per hour")
ONE_ALARM = parse("1 per hour")


def _failed(_response: Response) -> bool:
    return g.get("guess_failed", False)


def _was_sent(response: Response) -> bool:
    return response.status_code == 303


def _asker() -> str:
    return f"account:{current_user.customer_id}" if current_user.is_authenticated else get_remote_address()


guesses_of_account = limiter.shared_limit(GUESSES, "codes of an account", key_func=_asker, deduct_when=_failed)
guesses_of_address = limiter.shared_limit(GUESSES, "codes of an address", deduct_when=_failed)


@blueprint.get("/cartes/activer")
def activate() -> str | Response:
    """The box for a code, filled with one that was entered before signing in; `carte` shows what that card gave."""
    if "carte" in request.args:
        return _receipt()
    return render_template("prepaid_cards/activate.html", form=CodeForm(code=_claimed_code()))


@blueprint.post("/cartes/activer")
@guesses_of_account
@guesses_of_address
def do_activate() -> Response | tuple[str, int]:
    """Redeem a card. A stranger signs in first; the claim remembers the card meanwhile, not its code."""
    form = CodeForm()
    if not form.validate():
        return _activate_again(form)
    if not current_user.is_authenticated:
        return _sign_in_first(form)
    try:
        with transaction() as session:
            card_id = redeem(session, form.read_code, current_user.wallet_id, keys=_keys(), at=clock.now())
    except Unredeemable:
        return _activate_again(form, _refusal())
    except WalletFull as full:
        _note_opened(balance_of(db.session, form.read_code, keys=_keys()))
        return _activate_again(form, _no_room(full.room_cents))
    stop_at("redeem.committed")
    answer = redirect(url_for("prepaid_cards.activate", carte=card_id), 303)
    drop_for(url_for("prepaid_cards.activate"), answer, CLAIM_COOKIE)
    return answer


@blueprint.get("/cartes/solde")
def balance() -> str:
    """The box for a code, to see what is left on its card."""
    return render_template("prepaid_cards/balance.html", form=CodeForm())


@blueprint.post("/cartes/solde")
@guesses_of_account
@guesses_of_address
def show_balance() -> str | tuple[str, int]:
    """What is left: all of it, or nothing once the card was used."""
    form = CodeForm()
    found = balance_of(db.session, form.read_code, keys=_keys()) if form.validate() else None
    if found is None:
        if form.read_code:
            form.code.errors = [*form.code.errors, _refusal()]
        return render_template("prepaid_cards/balance.html", form=form), 422
    _note_opened(found)
    return render_template("prepaid_cards/balance.html", form=form, found=found, code=written(form.read_code))


@blueprint.get("/compte/cartes")
@login_required
def own_cards() -> str:
    """One's own cards, and those that one gave, with how far they have come; each list from a cursor of its own on."""
    return _own_cards_page(AddressForm(formdata=None))


@blueprint.post(f"/compte/cartes/<int(max={GREATEST_ID}):gift_id>/adresse")
@login_required
@limiter.limit(SENDINGS, key_func=_asker, deduct_when=_was_sent)
def correct(gift_id: int) -> Response | tuple[str, int]:
    """Send a gift to another address under a new code, which ends the old one; who does it has confirmed their own.

    One card must not pay for letters without end: a redirect counts, which the confirmation's is as well.
    """
    if not current_user.confirmed_at:
        return redirect(url_for("customers.confirm_first", next=url_for("prepaid_cards.own_cards")), 303)
    form = AddressForm()
    if not form.validate():
        return _own_cards_page(form, gift_id), 422
    try:
        with transaction() as session:
            correct_address(session, gift_id, current_user.customer_id, form.recipient_email.data, keys=_keys())
            enqueue(session, "prepaid_cards.deliver_gifts", {})
    except NoSuchGift:
        abort(404)
    except AlreadyRedeemed:
        form.recipient_email.errors = [_("This card was used already: there is nothing left to send.")]
        return _own_cards_page(form, gift_id), 422
    return redirect(url_for("prepaid_cards.own_cards", cadeaux=_cursor("cadeaux"), _anchor=f"cadeau-{gift_id}"), 303)


@blueprint.post(f"/compte/cartes/<int(max={GREATEST_ID}):gift_id>/imprimer")
@login_required
def print_given(gift_id: int) -> Response:
    """The gift as a page to print; one that is not mailed counts as handed over from then on."""
    given = find_given(db.session, current_user.customer_id, gift_id)
    if given is None or given.state == REDEEMED:
        abort(404)
    now = clock.now()
    pdf = print_gift(given.gift, given.card, giver=current_user.name, keys=_keys(), at=now)
    if given.gift.delivery == "print":
        with transaction() as session:
            mark_sent(session, gift_id, given.card.reissue, now)
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_("prepaid-card")}-{given.card.last4}.pdf"'
    return answer


@blueprint.get(f"/compte/cartes/<int(max={GREATEST_ID}):card_id>/retractation")
@login_required
def withdrawal(card_id: int) -> str | Response:
    """The first step of giving a card back: what goes back, what ends, and the button that says so."""
    try:
        offer = find_withdrawable(db.session, current_user.customer_id, card_id, clock.now())
    except CannotWithdraw:
        abort(404)
    except Owes:
        return _say_what_is_owed()
    return render_template("prepaid_cards/withdrawal.html", offer=offer)


@blueprint.post(f"/compte/cartes/<int(max={GREATEST_ID}):card_id>/retractation")
@login_required
def do_withdraw(card_id: int) -> Response:
    """The second: the card ends, its refund is on its way, and an acknowledgement with its date is mailed."""
    try:
        with transaction() as session:
            withdraw(session, current_user.customer_id, card_id, clock.now())
    except CannotWithdraw:
        flash(
            _(
                "This card can no longer be given back here: it was spent, used or given back already, or its time is over."
                " Nothing was changed. Write to us if you think otherwise."
            ),
            "alert",
        )
        return redirect(url_for("prepaid_cards.own_cards"), 303)
    except Owes:
        return _say_what_is_owed()
    stop_at("withdraw.committed")
    return redirect(url_for("prepaid_cards.withdrawn", card_id=card_id), 303)


@blueprint.get(f"/compte/cartes/<int(max={GREATEST_ID}):card_id>/retractation/recue")
@login_required
def withdrawn(card_id: int) -> str:
    """The acknowledgement: when the withdrawal came in, what goes back, and how far that has come."""
    received = withdrawal_of(db.session, current_user.customer_id, card_id)
    if received is None:
        abort(404)
    return render_template("prepaid_cards/withdrawn.html", received=received)


def _own_cards_page(form: AddressForm, gift_id: int | None = None) -> str:
    mine, now = current_user.customer_id, clock.now()
    place = PLACE.fullmatch(request.args.get("apres", ""))
    after = (place[1] == "1", int(place[2])) if place else None
    tickets = tickets_of(db.session, current_user.wallet_id, after, LINES + 1)
    given = given_by(db.session, mine, before_id=_cursor("cadeaux"), limit=LINES + 1)
    suspended = suspended_by(db.session, mine, before_id=_cursor("suspendues"), limit=LINES + 1)
    offers, next_offers = withdrawable(db.session, mine, now, before_id=_cursor("rendre"), limit=LINES)
    last_place = tickets[LINES - 1].place if len(tickets) > LINES else None
    return render_template(
        "prepaid_cards/own_cards.html",
        tickets=tickets[:LINES],
        given_cards=given[:LINES],
        came_back=bounces.of_these(db.session, {one.gift.recipient_email for one in given if one.gift.recipient_email}),
        suspended=suspended[:LINES],
        withdrawable=offers,
        payments=under_way(db.session, mine, now),
        next_pages={
            "apres": f"{last_place[0]:d}-{last_place[1]}" if last_place else None,
            "cadeaux": given[LINES - 1].gift.id if len(given) > LINES else None,
            "suspendues": suspended[LINES - 1].id if len(suspended) > LINES else None,
            "rendre": next_offers,
        },
        form=form,
        form_gift_id=gift_id,
    )


def _cursor(name: str) -> int | None:
    """The id that a list goes on before; None for what is none."""
    written = request.args.get(name, "")
    return int(written) if CARD_ID.fullmatch(written) else None


def _keys() -> Keys:
    return current_app.config["CODE_KEYS"]


def _receipt() -> str | Response:
    """What the customer's own card gave."""
    if not current_user.is_authenticated:
        return redirect(url_for("customers.sign_in", next=this_page()), 303)
    card_id = request.args["carte"]
    redeemed = None
    if CARD_ID.fullmatch(card_id):
        redeemed = redeemed_into(db.session, int(card_id), current_user.wallet_id)
    if redeemed is None:
        abort(404)
    return render_template("prepaid_cards/activate.html", redeemed=redeemed, credit_now=visitor_credit())


def _claimed_code() -> str:
    """The code that this browser entered before signing in, as it is printed; nothing for anybody else."""
    claimed = claim.unseal(_keys(), kept(CLAIM_COOKIE))
    code = code_entered(db.session, *claimed, keys=_keys()) if claimed else None
    return written(code) if code else ""


def _sign_in_first(form: CodeForm) -> Response | tuple[str, int]:
    """On to signing in and back, with a claim on the card; what no card has needs no account to be refused."""
    found = balance_of(db.session, form.read_code, keys=_keys())
    if found is None or not found.left_cents:
        return _activate_again(form, _refusal())
    _note_opened(found)
    here = url_for("prepaid_cards.activate")
    answer = redirect(url_for("customers.sign_in", next=here), 303)
    keep_for(here, answer, CLAIM_COOKIE, claim.seal(_keys(), found.card_id, found.reissue), claim.LIFE_S)
    return answer


def _note_opened(found: CardBalance | None) -> None:
    if found and found.left_cents:
        with transaction() as session:
            mark_opened(session, found.card_id, clock.now())


def _activate_again(form: CodeForm, complaint: str | None = None) -> tuple[str, int]:
    if complaint:
        form.code.errors = [*form.code.errors, complaint]
    return render_template("prepaid_cards/activate.html", form=form), 422


def _refusal() -> str:
    """Count a failed guess; one sentence for all reasons."""
    g.guess_failed = True
    if not limiter.limiter.hit(ALARMING, "codes") and limiter.limiter.hit(ONE_ALARM, "alarm about codes"):
        _raise_alarm()
    return _(
        "This code gives nothing: it is wrong, was used already, was replaced by another, or its card is not sold yet."
        " If you have just used it yourself, its credit is in your account."
    )


def _raise_alarm() -> None:
    """Each process may come here once an hour; staff are told once in the same hour of the clock."""
    log.error("many wrong card codes: somebody may be guessing", limit=str(ALARMING))
    now = clock.now()
    with transaction() as session:
        raise_alert(session, "card_guessing", f"card_guessing:{now:%Y-%m-%dT%H}", {"failures": ALARMING.amount}, now)


def _no_room(room_cents: int) -> str:
    money = current_app.jinja_env.filters["money"]
    return _(
        "Your credit may hold %(limit)s in all and has room for %(room)s: this card gives more. Its code stays good.",
        limit=money(WALLET_LIMIT_CENTS),
        room=money(max(room_cents, 0)),
    )


def _say_what_is_owed() -> Response:
    flash(
        _(
            "A payment was refunded whose credit had been spent: until that is settled no other card can be given back here."
            " Nothing was changed. Write to us, we settle both together, and the day on which you write counts."
        ),
        "alert",
    )
    return redirect(url_for("prepaid_cards.own_cards"), 303)
