"""My receipts: the list, each one, and where the money of a film goes."""

from flask import abort, current_app, render_template, request
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store.checkout.film_spends import film_receipt, spends_from
from store.checkout.models import Receipt
from store.checkout.own import LINES, papers_of, read_cursor
from store.checkout.print_receipt import file_name, print_receipt
from store.checkout.receipt_words import write
from store.checkout.receipts import SALE, corrected_by, corrections_of, describe, find
from store.checkout.shares import Rates
from store.checkout.views.blueprint import blueprint
from store.db import GREATEST_ID, db
from store.prepaid_cards.own import card_numbers


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
    rates = Rates.of(current_app.config)
    owner = {"customer_id": current_user.customer_id, "wallet_id": current_user.wallet_id}
    found = film_receipt(db.session, entitlement_id, rates=rates, **owner)
    if found is None:
        abort(404)
    references = [source.lot_reference for source in found.sources]
    return render_template(
        "checkout/film_spend.html",
        found=found,
        rates=rates,
        card_numbers=card_numbers(db.session, current_user.wallet_id, references),
        receipts=describe(db.session, references, current_user.customer_id),
    )


def _own_receipt(number: str) -> Receipt:
    """The customer's receipt of this number; 404 for somebody else's as for none."""
    found = find(db.session, number, current_user.customer_id)
    if found is None:
        abort(404)
    return found
