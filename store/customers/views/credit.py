"""My credit: what remains, lot by lot, and the statement, also for a spreadsheet."""

from datetime import timedelta
from typing import Any

from flask import get_template_attribute, render_template, request
from flask_babel import gettext as _
from flask_login import current_user, login_required
from markupsafe import Markup
from werkzeug.wrappers import Response

from store import clock
from store.checkout.orders import under_way
from store.checkout.receipts import describe as describe_receipts
from store.clock import start_of
from store.customers.forms import KINDS, StatementForm
from store.customers.views.blueprint import blueprint
from store.db import db
from store.ledger.balance import STATEMENT_LINES, Movement, credit_of, parts_of, statement_of
from store.prepaid_cards.own import card_numbers, describe_holds, tickets_of
from store.prepaid_cards.own import describe as describe_cards
from store.rentals.own import describe as describe_films
from store.spreadsheet import as_csv, decimal
from store.web.download import download

MOST_CSV_LINES = 10_000


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
