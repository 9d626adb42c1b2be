"""The cards on sale."""

from uuid import uuid4

from flask import Blueprint, render_template, request
from sqlalchemy import select

from store.catalogue.models import Film
from store.db import db
from store.prepaid_cards.denominations import on_sale

blueprint = Blueprint("prepaid_cards", __name__)


@blueprint.get("/cartes")
def offer() -> str:
    """The cards, each with the button that buys it; `film` is what one came from and goes back to."""
    film = request.args.get("film")
    return render_template(
        "prepaid_cards/offer.html",
        denominations=on_sale(db.session),
        chosen=request.args.get("denomination"),
        film=db.session.execute(select(Film.slug, Film.title).where(Film.slug == film)).first() if film else None,
        form_key=uuid4().hex,
    )
