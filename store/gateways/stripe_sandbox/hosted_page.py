"""The page on which the customer pays, in French as the shop; it needs no script and loads nothing from elsewhere."""

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from . import payments, sessions
from .conduct import METHODS
from .refusal import Refusal
from .state import Object, State, the_state

SENTENCES = {
    "declined": "Votre carte a été refusée. Rien n’a été débité.",
    "incorrect_number": "Ce n’est pas le numéro d’une carte d’essai\u00a0: vérifiez ses chiffres. Rien n’a été débité.",
}
SIGNS = {"eur": "€", "usd": "$", "chf": "CHF", "gbp": "£"}

hosted_page = Blueprint("hosted_page", __name__, url_prefix="/c/pay")


@hosted_page.get("/<identifier>")
def show(identifier: str) -> str:
    """The form of an open Session; what became of it, for any other."""
    with the_state().transaction() as state:
        return render(state, state.get(sessions.KIND, identifier))


@hosted_page.post("/<identifier>")
def pay(identifier: str) -> tuple[str, int] | Response:
    """Pay: on to the shop, or the same page with a sentence. Pressing the button twice pays once."""
    with the_state().transaction() as state:
        session = state.get(sessions.KIND, identifier)
        result = attempt(state, identifier) if session["status"] == "open" else session["status"]
        if result in ("paid", "complete"):
            return redirect(success_address(session), 303)
        return render(state, session, SENTENCES.get(result, "")), 402 if result == "declined" else 422


def attempt(state: State, identifier: str) -> str:
    """How it went, or the code of what is wrong with the card."""
    try:
        return payments.pay(state, identifier, request.form.get("card", ""), request.form.get("email"))
    except Refusal as refusal:
        return refusal.code


def render(state: State, session: Object, problem: str = "") -> str:
    """The page; its policy lets the form lead to the shop, since browsers apply it to the redirect as well."""
    shop = urlsplit(session["success_url"])
    g.form_action = f"'self' {shop.scheme}://{shop.netloc}"
    lines = state.hidden(sessions.KIND, session["id"])["lines"]
    facts = {"success_address": success_address(session), "test_cards": METHODS, "problem": problem}
    return render_template("pay.html", session=session, lines=lines, **facts)


def success_address(session: Object) -> str:
    """Where the shop wants its customer back."""
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def amount(cents: int, currency: str) -> str:
    """1234550 of eur as « 12 345,50 € », in the French manner."""
    units = f"{cents // 100:,}".replace(",", "\u202f")
    return f"{units},{cents % 100:02d}\u00a0{SIGNS[currency]}"
