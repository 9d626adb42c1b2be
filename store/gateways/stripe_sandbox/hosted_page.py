"""The page on which the customer pays, in French as the shop; it needs no script and loads nothing from elsewhere."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, render_template, request
from werkzeug.wrappers import Response

from . import payments, sessions
from .state import State
from .tables import CONDUCT, Object, Refusal

SENTENCES = {
    "declined": "Votre banque a refusé ce paiement. Rien n’a été débité.",
    "incorrect_number": "Ce n’est pas un numéro d’essai\u00a0: vérifiez ses chiffres. Rien n’a été débité.",
}

hosted_page = Blueprint("hosted_page", __name__, url_prefix="/c/pay")


@hosted_page.get("/<identifier>")
def show(identifier: str) -> str:
    """The form of an open Session; what became of it, for any other."""
    with current_app.extensions["state"].transaction() as state:
        return render(state, identifier)


@hosted_page.post("/<identifier>")
def pay(identifier: str) -> tuple[str, int] | Response:
    """Pay: on to the shop, or the same page with a sentence. Pressing the button twice pays once."""
    with current_app.extensions["state"].transaction() as state:
        session = state.get(sessions.KIND, identifier)
        result = attempt(state, identifier) if session["status"] == "open" else session["status"]
        if result in ("paid", "processing", "complete"):
            return redirect(success_address(session), 303)
        if result == "requires_action":
            return redirect(request.path, 303)
        return render(state, identifier, SENTENCES.get(result, "")), 402 if result == "declined" else 422


def attempt(state: State, identifier: str) -> str:
    """How the payment or its confirmation went, or the code of what is wrong with it."""
    form = request.form
    try:
        if "confirmed" in form:
            return payments.authenticate(state, identifier, form["confirmed"] == "yes")
        return payments.pay(state, identifier, form.get("card") or form.get("iban", ""), form.get("email"))
    except Refusal as refusal:
        return refusal.code


def render(state: State, identifier: str, problem: str = "") -> str:
    """The page; its policy lets the form lead to the shop, since browsers apply it to the redirect as well."""
    session = state.get(sessions.KIND, identifier)
    shop = urlsplit(session["success_url"])
    g.form_action = f"'self' {shop.scheme}://{shop.netloc}"
    intent = state.get("payment_intent", session["payment_intent"]) if session["payment_intent"] else {}
    facts = {"session": session, "lines": state.hidden(sessions.KIND, identifier)["lines"], "problem": problem}
    facts |= {"success_address": success_address(session), "to_confirm": intent.get("status") == "requires_action"}
    return render_template("pay.html", methods=CONDUCT["methods"], **facts)


def success_address(session: Object) -> str:
    """Where the shop wants its customer back."""
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def amount(cents: int, currency: str) -> str:
    """1234550 of eur as « 12 345,50 € », in the French manner."""
    units, rest = divmod(abs(cents), 100)
    thousands = f"{units:,}".replace(",", "\u202f")
    return f"{'−' if cents < 0 else ''}{thousands},{rest:02d}\u00a0{CONDUCT['currencies'][currency]['sign']}"
