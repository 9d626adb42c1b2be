"""A line of the log for each try to come in, to show who one is, or to change what opens an account: who, how, and what came of it."""

from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, request
from flask_login import current_user

ENTRANCES = {
    "customers.do_sign_in": "sign in",
    "customers.do_sign_up": "sign up",
    "customers.sign_out": "sign out",
    "customers.do_ask": "forgotten password",
    "customers.choose_password": "new password by a link",
    "customers.do_confirm": "confirm by a link",
    "customers.do_prove": "prove",
    "customers.change_password": "change password",
    "customers.change_address": "change address",
    "customers.add_passkey": "add passkey",
    "customers.remove_passkey": "remove passkey",
    "customers.end_session": "end a session",
    "customers.end_other_sessions": "end other sessions",
    "customers.forget_device": "forget a device",
    "customers.set_pin": "set film code",
    "backoffice.show": "second factor",
    "backoffice.do_enrol": "enrol second factor",
    "backoffice.replace_recovery_codes": "replace recovery codes",
}
"""The acts by which one comes in or stays out, and their names in the log."""

ASKS_FIRST = ("/connexion", "/preuve", "/second-facteur")
"""Where one is sent who must first show who they are."""

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Note each of those acts once it is answered."""
    app.after_request(_note)


def _note(response: Response) -> Response:
    act = ENTRANCES.get(request.endpoint or "") if request.method == "POST" else None
    if act and response.status_code != 413:  # whose form nobody has read
        by = "passkey" if request.form.get("passkey") else "form"
        customer = current_user.customer_id if current_user.is_authenticated else None
        log.info("authentication", act=act, by=by, outcome=_outcome(response), customer=customer)
    return response


def _outcome(response: Response) -> str:
    if response.status_code == 429:
        return "too many tries"
    if response.status_code >= 400:
        return "refused"
    return "asked who first" if urlsplit(response.location or "").path.endswith(ASKS_FIRST) else "done"
