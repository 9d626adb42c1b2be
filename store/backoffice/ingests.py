"""Staff see every film's way into the shop: how far it is, what went wrong; they cancel, and let it be tried again."""

from datetime import timedelta

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import case, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from store import clock
from store.audit.record import record
from store.backoffice.blueprint import blueprint
from store.catalogue.models import Film
from store.db import GREATEST_ID, db, transaction
from store.gateways.media_store import Busy
from store.jobs.enqueue import enqueue
from store.media.models import Ingest
from store.media.publish import UnknownFilm, cancel_ordered, order_again

MOST = 100
BETWEEN_LOOKS_S = 5
OPEN = ("running", "waiting")


@blueprint.get("/ingestions")
def ingests() -> Response:
    """What runs, what waits, what failed, then what is done; a page with something under way comes again by itself."""
    first = case({"running": 0, "waiting": 1, "failed": 2}, value=Ingest.state, else_=3)
    query = select(Film.id, Film.slug, Film.title, Ingest).join(Ingest, Ingest.film_id == Film.id)
    rows = db.session.execute(query.order_by(first, Ingest.updated_at.desc(), Film.id).limit(MOST)).all()
    ends = {row.id: row.Ingest.updated_at + timedelta(seconds=row.Ingest.left_s) for row in rows if row.Ingest.left_s}
    page = make_response(render_template("backoffice/ingests.html", rows=rows, ends=ends, now=clock.now(), open=OPEN))
    if any(row.Ingest.state in OPEN for row in rows):
        page.headers["Refresh"] = str(BETWEEN_LOOKS_S)
    return page


@blueprint.post(f"/ingestions/<int(max={GREATEST_ID}):film_id>/annuler")
def cancel_ingest(film_id: int) -> AnyResponse:
    """Cancel what waits or runs; what is live stays live."""
    with transaction() as session:
        was_open = cancel_ordered(session, film_id)
        if was_open:
            _note(session, "ingest.cancelled", film_id)
    if was_open:
        flash(_("Cancelled. What is encoded already is kept for the next time; what was live stays live."), "status")
    else:
        flash(_("There was nothing to cancel: it has ended meanwhile."), "alert")
    return redirect(url_for("backoffice.ingests"), 303)


@blueprint.post(f"/ingestions/<int(max={GREATEST_ID}):film_id>/reprendre")
def resume_ingest(film_id: int) -> AnyResponse:
    """Let a delivery that failed or was cancelled be published after all, by the worker."""
    slug = db.session.scalar(select(Film.slug).join(Ingest).where(Film.id == film_id))
    try:
        order_again(slug or "")
    except (UnknownFilm, Busy):
        flash(_("Nothing was changed: the film is being worked on, or nobody delivered a master for it."), "alert")
        return redirect(url_for("backoffice.ingests"), 303)
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": slug})
        _note(session, "ingest.resumed", film_id)
    flash(_("The film waits for the worker."), "status")
    return redirect(url_for("backoffice.ingests"), 303)


def _note(session: Session, act: str, film_id: int) -> None:
    record(session, actor=current_user.customer_id, act=act, subject=f"film:{film_id}", facts={}, at=clock.now())
