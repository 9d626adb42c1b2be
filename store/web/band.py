"""The yellow band above the footer: what prepaid cards are sold."""

from markupsafe import Markup

from store.db import db
from store.prepaid_cards.denominations import on_sale
from store.web.kept_pieces import piece


def money_band() -> Markup:
    """The band, for pages that do not sell cards themselves."""
    return piece("components/band.html", lambda: {"denominations": on_sale(db.session)})
