"""My account: where everything of one's own begins, and what one says of oneself."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.customers import declare
from store.customers.forms import CountryForm
from store.customers.language import choose_language, language_of
from store.customers.views.blueprint import blueprint
from store.db import db, transaction
from store.language import LANGUAGES
from store.mail import bounces
from store.rentals.standing import films_of
from store.web.corner import visitor_country


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
