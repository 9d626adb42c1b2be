"""The desk's letters: what the shop writes, in both languages, and the addresses at which that does not arrive."""

import base64
import hashlib
import re

from flask import Response, abort, current_app, make_response, render_template

from store.backoffice.sample_letters import SAMPLES
from store.backoffice.views import blueprint
from store.db import db
from store.language import LANGUAGES, speaking
from store.mail import bounces
from store.mail.letter import Letter

MOST_BOUNCES = 200
STYLE_ATTRIBUTE = re.compile(r' style="([^"]*)"')
STYLE_SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@blueprint.get("/courriels")
def letters() -> str:
    """Every kind of letter, and what came back."""
    return render_template(
        "backoffice/letters.html", samples=SAMPLES, bounces=bounces.list_all(db.session, MOST_BOUNCES)
    )


@blueprint.get("/courriels/<kind>")
def letter(kind: str) -> Response:
    """One kind in both languages: its subject, its HTML in a frame, its text, what is attached."""
    written = {code: _written(kind, code) for code in LANGUAGES}
    page = render_template("backoffice/letter.html", kind=kind, sample=SAMPLES[kind], written=written)
    response = make_response(page)
    policy = current_app.config["CONTENT_SECURITY_POLICY"]
    response.headers["Content-Security-Policy"] = f"{policy}; frame-src 'self'"
    return response


@blueprint.get("/courriels/<kind>/<code>")
def letter_frame(kind: str, code: str) -> Response:
    """The HTML alone, for that frame: sandboxed, and allowed nothing but its own styles and pictures."""
    if code not in LANGUAGES:
        abort(404)
    page, sheets = with_style_sheet(_written(kind, code))
    response = make_response(page)
    allowed = " ".join(f"'sha256-{_digest(sheet)}'" for sheet in sheets)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {allowed}; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'self'; sandbox"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def with_style_sheet(letter: Letter) -> tuple[str, list[str]]:
    """The letter's HTML with its style attributes moved to a sheet, pictures within; and its sheets.

    A policy can allow a sheet by its digest, and attributes only all or none.
    """
    rules: dict[str, str] = {}
    page = STYLE_ATTRIBUTE.sub(lambda found: f' class="{rules.setdefault(found[1], f"s{len(rules)}")}"', letter.html)
    sheet = "".join(f".{name}{{{declarations}}}" for declarations, name in rules.items())
    page = page.replace("</head>", f"<style>{sheet}</style></head>", 1)
    for content_id, png in letter.pictures.items():
        page = page.replace(f"cid:{content_id}", f"data:image/png;base64,{base64.b64encode(png).decode()}")
    return page, STYLE_SHEET.findall(page)


def _written(kind: str, code: str) -> Letter:
    if kind not in SAMPLES:
        abort(404)
    with speaking(code):
        return SAMPLES[kind].compose()


def _digest(sheet: str) -> str:
    return base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
