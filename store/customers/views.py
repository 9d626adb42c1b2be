"""Signing up, in and out; my account and my credit."""

from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    get_template_attribute,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user, login_required
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.checkout.orders import under_way
from store.checkout.receipts import describe as describe_receipts
from store.clock import start_of
from store.customers import declare, passwords
from store.customers.forms import KINDS, CountryForm, PinForm, SignInForm, SignUpForm, StatementForm
from store.customers.language import choose_language, language_of
from store.customers.models import Customer
from store.customers.register import AddressTaken, normalise, register
from store.db import db, transaction
from store.language import LANGUAGES, language
from store.ledger.balance import STATEMENT_LINES, Movement, credit_of, parts_of, statement_of
from store.mail import bounces
from store.prepaid_cards.own import card_numbers, describe_holds, tickets_of
from store.prepaid_cards.own import describe as describe_cards
from store.rentals.own import describe as describe_films
from store.rentals.standing import films_of
from store.spreadsheet import as_csv, decimal
from store.web import sign_in as browser
from store.web.corner import visitor_country
from store.web.download import download
from store.web.limits import limiter, submitted_email, this_customer
from store.web.next_page import own_path

blueprint = Blueprint("customers", __name__)

FAILED_SIGN_IN = 422
MOST_CSV_LINES = 10_000


def _failed(response: Response) -> bool:
    return response.status_code == FAILED_SIGN_IN


@blueprint.get("/connexion")
def sign_in() -> str | Response:
    """The form; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")), 303)
    return render_template("customers/sign_in.html", form=SignInForm(next=own_path(request.args.get("next"))))


@blueprint.post("/connexion")
@limiter.limit("10 per 5 minutes", deduct_when=_failed, key_func=submitted_email)
@limiter.limit("10 per 5 minutes", deduct_when=_failed)
@limiter.limit("1000 per 5 minutes", key_func=lambda: "sign-in", deduct_when=_failed)
def do_sign_in() -> Response | tuple[str, int]:
    """Sign in and go on; one answer for an unknown address and a wrong password."""
    form = SignInForm()
    if form.validate():
        customer_id = _customer_with(form.email.data, form.password.data)
        if customer_id is not None:
            browser.sign_in(customer_id)
            return redirect(own_path(form.next.data), 303)
        form.form_errors.append(_("No account matches this address and this password."))
    form.next.data = own_path(form.next.data)
    return render_template("customers/sign_in.html", form=form), FAILED_SIGN_IN


@blueprint.get("/inscription")
def sign_up() -> str | Response:
    """The form; who is signed in goes on."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")), 303)
    return render_template("customers/sign_up.html", form=SignUpForm(next=own_path(request.args.get("next"))))


@blueprint.post("/inscription")
@limiter.limit("5 per hour", deduct_when=lambda _response: g.get("address_taken", False))
def do_sign_up() -> Response | tuple[str, int]:
    """A new customer, signed in at once, goes on."""
    form = SignUpForm()
    if not form.validate():
        return _sign_up_again(form)
    password_hash = passwords.hash_password(form.password.data)
    try:
        with transaction() as session:
            customer_id = register(
                session,
                email=form.email.data,
                name=form.name.data,
                password_hash=password_hash,
                currency=current_app.config["SHOP_CURRENCY"],
                at=clock.now(),
                language=language(),
            )
    except AddressTaken:
        form.email.errors = [*form.email.errors, _("This address has an account already: sign in instead.")]
        g.address_taken = True
        return _sign_up_again(form)
    browser.sign_in(customer_id)
    return redirect(own_path(form.next.data), 303)


@blueprint.post("/deconnexion")
def sign_out() -> Response:
    """End the session, home."""
    browser.sign_out()
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/compte")
@login_required
def account() -> str:
    """Where everything of one's own begins."""
    films = films_of(db.session, current_user.customer_id, clock.now())
    return render_template(
        "customers/account.html",
        films=[film for film in films if film.in_force][:5],
        letters_in=language_of(db.session, current_user.customer_id),
        country_form=CountryForm(country=visitor_country()),
        bounce=bounces.find(db.session, current_user.email),
    )


@blueprint.post("/compte/langue")
@login_required
def choose_letters() -> Response:
    """From now on, letters are in the language that `langue` names."""
    chosen = request.form.get("langue")
    if chosen not in LANGUAGES:
        abort(422)
    with transaction() as session:
        choose_language(session, current_user.customer_id, chosen)
    flash(_("Noted: our next letter to you is in this language."), "status")
    return redirect(url_for("customers.account"), 303)


@blueprint.post("/compte/pays")
@login_required
def declare_country() -> Response:
    """Note where the customer says that they live."""
    form = CountryForm()
    if form.validate():
        with transaction() as session:
            declare.country(session, current_user.customer_id, form.country.data)
        flash(_("Your country is noted: films are offered to you by it."), "status")
    else:
        flash(_("Nothing was changed: choose a country of the list."), "alert")
    return redirect(url_for("customers.account"), 303)


@blueprint.get("/compte/securite")
@login_required
def security() -> str:
    """What protects the account."""
    return _security(PinForm())


@blueprint.post("/compte/securite/code")
@login_required
@limiter.limit("10 per 5 minutes", deduct_when=_failed, key_func=this_customer)
def set_pin() -> Response | tuple[str, int]:
    """A new code for films that are not for minors."""
    form = PinForm()
    if form.validate() and not _is_own_password(form.password.data):
        form.password.errors = [*form.password.errors, _("This is not the password of your account.")]
    if form.errors:
        return _security(form), 422
    pin_hash = passwords.hash_password(form.pin.data)
    with transaction() as session:
        declare.pin(session, current_user.customer_id, pin_hash)
    flash(_("The code is set. It is asked for before films that are not for minors."), "status")
    return redirect(url_for("customers.security"), 303)


@blueprint.get("/compte/credit")
@login_required
def credit() -> str | tuple[str, int]:
    """What remains, lot by lot, and the statement, filtered and from a cursor on."""
    form = StatementForm(request.args)
    is_valid = form.validate()
    movements = _statement(form, STATEMENT_LINES + 1) if is_valid else []
    shown = movements[:STATEMENT_LINES]
    page = render_template(
        "customers/credit.html",
        form=form,
        credit_now=credit_of(db.session, current_user.wallet_id, clock.now()),
        tickets=tickets_of(db.session, current_user.wallet_id),
        payments=under_way(db.session, current_user.customer_id, clock.now()),
        movements=shown,
        receipts=describe_receipts(db.session, [movement.reference for movement in shown], current_user.customer_id),
        parts=parts_of(db.session, current_user.wallet_id, [movement.journal_id for movement in shown]),
        next_cursor=shown[-1].journal_id if len(movements) > STATEMENT_LINES else None,
        **_names(shown),
    )
    return page, 200 if is_valid else 422


@blueprint.get("/compte/credit.csv")
@login_required
def credit_csv() -> Response:
    """The statement, filtered in the same way, for a spreadsheet."""
    form = StatementForm(request.args)
    movements = _statement(form, MOST_CSV_LINES) if form.validate() else []
    names = _names(movements)
    describe = get_template_attribute("customers/movements.html", "described")
    zone = clock.shop_zone()
    rows = (
        (
            movement.at.astimezone(zone).strftime("%Y-%m-%d"),
            Markup(describe(movement, **names)).striptags(),  # noqa: S704  # a macro of ours has escaped it; the tags go again at once
            decimal(movement.amount),
            decimal(movement.balance),
            movement.reference,
        )
        for movement in movements
    )
    header = (_("Date"), _("Movement"), _("Sum"), _("Credit"), _("Reference"))
    return download("credit.csv", as_csv(header, rows), "text/csv")


def _security(form: PinForm) -> str:
    has_pin = declare.pin_hash_of(db.session, current_user.customer_id) is not None
    return render_template("customers/security.html", form=form, has_pin=has_pin)


def _is_own_password(password: str) -> bool:
    stored = db.session.scalar(select(Customer.password_hash).where(Customer.id == current_user.customer_id))
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    return passwords.password_matches(password, stored)


def _statement(form: StatementForm, limit: int) -> list[Movement]:
    return statement_of(
        db.session,
        current_user.wallet_id,
        kinds=KINDS.get(form.mouvement.data or "", ()),
        start=start_of(form.depuis.data) if form.depuis.data else None,
        end=start_of(form.jusque.data + timedelta(days=1)) if form.jusque.data else None,
        before_journal_id=form.apres.data,
        limit=limit,
    )


def _names(movements: list[Movement]) -> dict[str, Any]:
    """What the movements' references mean, each by the room that knows."""
    references = [movement.reference for movement in movements]
    return {
        "cards": describe_cards(db.session, references),
        "films": describe_films(db.session, references),
        "holds": describe_holds(db.session, [movement.journal_id for movement in movements if movement.kind == "hold"]),
        "card_numbers": card_numbers(db.session, current_user.wallet_id),
    }


def _customer_with(email: str, password: str) -> int | None:
    """The customer of this address, if that is the password; equally slow for all answers."""
    try:
        address = normalise(email)
    except ValueError:
        address = ""
    found = db.session.execute(select(Customer.id, Customer.password_hash).where(Customer.email == address)).first()
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    matches = passwords.password_matches(password, found.password_hash if found else None)
    return found.id if found and matches else None


def _sign_up_again(form: SignUpForm) -> tuple[str, int]:
    form.next.data = own_path(form.next.data)
    return render_template("customers/sign_up.html", form=form), 422
