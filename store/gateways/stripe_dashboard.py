"""Where a person looks at what Stripe has: its dashboard, or the sandbox's own page."""

import re

from flask import current_app

from store.gateways.stripe_gateway import uses_sandbox

DASHBOARD = "https://dashboard.stripe.com"
STRIPE_ID = re.compile(r"(cs|pi|ch|py|re|pyr|du|dp|txn|po)_[A-Za-z0-9_]{4,200}")


def dashboard_address(reference: str) -> str | None:
    """The page where this Session, payment, refund or dispute is found; None for what is not an id of Stripe's."""
    if not STRIPE_ID.fullmatch(reference):
        return None
    if uses_sandbox():
        return f"{current_app.config['STRIPE_API_BASE']}/_sandbox/"
    test = "/test" if "_test_" in current_app.config["STRIPE_SECRET_KEY"] else ""
    return f"{DASHBOARD}{test}/search?query={reference}"
