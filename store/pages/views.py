"""Home, and the pages of plain text."""

from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, render_template
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from store import clock
from store.catalogue import browse, share_picture
from store.catalogue.machines import shop_facts
from store.catalogue.share_picture import SharePicture
from store.db import db
from store.language import language, speaking
from store.ledger.balance import last_audit, last_closing, outstanding
from store.prepaid_cards.denominations import on_sale
from store.prepaid_cards.wallet_limit import WALLET_LIMIT_CENTS
from store.web.band import money_band
from store.web.filters import whole_money
from store.web.kept_pages import same_for_every_stranger
from store.web.kept_pieces import piece
from store.web.markdown import render_markdown

blueprint = Blueprint("pages", __name__)

TEXTS = Path(__file__).parent / "texts"
TEXT_PAGES = ("conditions", "mentions-legales", "confidentialite", "accessibilite", "aide", "contact")


@blueprint.get("/")
@same_for_every_stranger
def home() -> str:
    """The film of the week, new films, collections, cards."""
    walls = piece("pages/walls.html", lambda: {"home": browse.home(db.session, language(), clock.today())})
    return render_template(
        "pages/home.html",
        walls=walls,
        facts=shop_facts(current_app.config["SHOP_NAME"], current_app.config["SHOP_URL"]),
        picture=_picture(),
        band=money_band(),
    )


@blueprint.get("/affiches/accueil/<any(fr, en):lang>-<mark>.png")
def home_picture(lang: str, mark: str) -> AnyResponse:
    """The picture that goes with a link to the shop."""
    with speaking(lang):
        return share_picture.answer(_picture(), mark)


def _picture() -> SharePicture:
    words = _("films that take sides, to rent and to keep")
    title, _comma, line = words.partition(", ")
    title = title[:1].upper() + title[1:]
    return SharePicture(f"accueil/{language()}", title, (line,), current_app.config["SHOP_NAME"])


@blueprint.get("/preuve")
def proof() -> str:
    """The books, open: the credit outstanding, the last audit, the last closing's digest."""
    return render_template(
        "pages/proof.html",
        outstanding=outstanding(db.session),
        audit=last_audit(db.session),
        closing=last_closing(db.session),
    )


@blueprint.get(f"/<any({', '.join(map(repr, TEXT_PAGES))}):name>")
@same_for_every_stranger
def text(name: str) -> str:
    """A page of text; its first heading is its title."""
    title, body = _read(name, language())
    return render_template("pages/text.html", title=title, body=_fill(body))


@cache
def _read(name: str, lang: str) -> tuple[str, Markup]:
    path = TEXTS / lang / f"{name}.md"
    if not path.exists():
        abort(404)
    heading, _, rest = path.read_text(encoding="utf-8").partition("\n")
    return heading.removeprefix("# ").strip(), render_markdown(rest)


def _fill(body: Markup) -> Markup:
    """Put the shop's own facts where the text names them."""
    for name, fact in _facts().items():
        body = body.replace(f"{{{{ {name} }}}}", Markup.escape(fact))
    return body.replace("<li>{{ cards }}</li>", _cards()) if "{{ cards }}" in body else body


def _facts() -> dict[str, Any]:
    config = current_app.config
    return {
        "shop_name": config["SHOP_NAME"],
        "shop_url": config["SHOP_URL"],
        "publisher": config["SHOP_PUBLISHER"],
        "hosting": config["SHOP_HOSTING"] or _("The publisher runs the machines of this site."),
        "mediator": config["SHOP_MEDIATOR"] or _("a consumer mediator"),
        "mail": parseaddr(config["MAIL_FROM"])[1],
        "start_days": config["RENTAL_START_DAYS"],
        "play_hours": config["RENTAL_PLAY_HOURS"],
        "streams": config["STREAMS_PER_CUSTOMER"],
        "most_credit": whole_money(WALLET_LIMIT_CENTS),
    }


def _cards() -> Markup:
    """What each card costs and gives, as it is sold today."""
    cards = (
        _(
            "card at %(price)s: %(credit)s of credit",
            price=whole_money(card.price_cents),
            credit=whole_money(card.credit_cents),
        )
        for card in on_sale(db.session)
    )
    return Markup("").join(Markup("<li>{}</li>").format(card) for card in cards)
