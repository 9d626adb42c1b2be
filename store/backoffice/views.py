"""The desk. `web/desk.py` hides all of it from whoever is not staff."""

import re

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from store import clock
from store.audit.alert import NoSuchAlert, Place, list_alerts, mark_seen
from store.audit.kinds import facts_of, words_of
from store.audit.models import Alert
from store.backoffice import ingests, second_factor
from store.backoffice.blueprint import blueprint
from store.customers.models import Customer
from store.db import db, transaction
from store.gateways.stripe_dashboard import dashboard_address

__all__ = ["blueprint", "ingests", "second_factor"]

PAGE_ALERTS = 20
CURSOR = re.compile(r"(vue-)?([0-9]{1,18})")
GREATEST_ID = 2**63 - 1  # that a database can be asked for


@blueprint.get("", strict_slashes=False)
def desk() -> Response:
    """The desk opens on what needs somebody's eyes."""
    return redirect(url_for("backoffice.alerts"), 303)


@blueprint.get("/alertes")
def alerts() -> str:
    """The open alerts from a cursor on; with `toutes=1` the seen ones after them."""
    with_seen, cursor = request.args.get("toutes") == "1", _place(request.args.get("apres", ""))
    found = list_alerts(db.session, with_seen=with_seen, after=cursor, limit=PAGE_ALERTS + 1)
    shown = found[:PAGE_ALERTS]
    return render_template(
        "backoffice/alerts.html",
        told=[(alert, words_of(alert.kind), facts_of(alert.facts)) for alert in shown],
        seen_by=_names_of({alert.seen_by for alert in shown if alert.seen_by}),
        dashboard_address=dashboard_address,
        with_seen=with_seen,
        goes_on=cursor is not None,
        next_cursor=_written(shown[-1]) if len(found) > PAGE_ALERTS else None,
    )


@blueprint.post(f"/alertes/<int(max={GREATEST_ID}):alert_id>/vue")
def see(alert_id: int) -> Response:
    """Mark an alert as seen, and back to the list from which that was asked."""
    try:
        with transaction() as session:
            mark_seen(session, alert_id, current_user.customer_id, clock.now())
    except NoSuchAlert:
        abort(404)
    flash(_("Noted as seen. You find it again under “All”."), "status")
    return redirect(url_for("backoffice.alerts", toutes=1 if request.form.get("toutes") == "1" else None), 303)


def _place(cursor: str) -> Place | None:
    """Where the list goes on; None, the beginning, for what is no cursor of ours."""
    found = CURSOR.fullmatch(cursor)
    return Place(is_seen=bool(found[1]), alert_id=int(found[2])) if found else None


def _written(last: Alert) -> str:
    return f"{'vue-' if last.seen_at else ''}{last.id}"


def _names_of(customer_ids: set[int]) -> dict[int, str]:
    if not customer_ids:
        return {}
    rows = db.session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(customer_ids)))
    return {row.id: row.name for row in rows}
