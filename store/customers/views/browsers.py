"""Where one is signed in: sessions and remembered devices, ended one by one or all together."""

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store.customers import devices, sessions
from store.customers.views.blueprint import blueprint
from store.db import GREATEST_ID, transaction


@blueprint.post("/compte/securite/sessions/fin")
@login_required
def end_session() -> Response:
    """End one of one's own sessions: the one that `session` names."""
    with transaction() as session:
        is_own = sessions.end_one(session, current_user.customer_id, request.form.get("session", ""))
    if not is_own:
        abort(404)
    flash(_("That browser is signed out."), "status")
    return _back()


@blueprint.post("/compte/securite/sessions/toutes")
@login_required
def end_other_sessions() -> Response:
    """End every other session, and forget every other device."""
    mine, here = current_user.customer_id, current_user
    with transaction() as session:
        sessions.end_all(session, mine, but=here.session_digest)
        for device in devices.of_customer(session, mine):
            if device.id != here.device_id:
                devices.forget(session, mine, device.id)
    flash(_("Every other browser is signed out."), "status")
    return _back()


@blueprint.post(f"/compte/securite/appareils/<int(max={GREATEST_ID}):device_id>/oublier")
@login_required
def forget_device(device_id: int) -> Response:
    """Forget one of one's own devices, and end its sessions."""
    with transaction() as session:
        is_own = devices.forget(session, current_user.customer_id, device_id)
    if not is_own:
        abort(404)
    flash(_("That device is forgotten."), "status")
    return _back()


def _back() -> Response:
    return redirect(url_for("customers.security", _anchor="browsers"), 303)
