"""Nobody else's page may make a visitor's browser act here: a token on every form, and the browser's own word for its origin."""

from flask import Flask, abort, current_app, request
from flask_wtf import CSRFProtect

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}

protect = CSRFProtect()


def init_app(app: Flask) -> None:
    """Check origin, then token, before any view that may change something; `protect.exempt` marks the one exception."""
    app.before_request(_refuse_foreign_pages)
    protect.init_app(app)


def _refuse_foreign_pages() -> None:
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if (origin and origin.lower() != current_app.config["SHOP_URL"]) or site in {"cross-site", "same-site"}:
        abort(400, "foreign origin")
