"""What machines ask for: which pages there are, which to leave alone, which films are new."""

from flask import Blueprint, Response, abort, current_app, render_template

from store.catalogue import machines
from store.db import db
from store.language import language

blueprint = Blueprint("machines", __name__)

FIXED_PATHS = (
    *("/", "/films", "/collections", "/cartes", "/preuve"),
    *("/conditions", "/mentions-legales", "/confidentialite", "/accessibilite", "/aide", "/contact"),
)
NOT_FOR_MACHINES = (
    "/compte",
    "/equipe",
    "/paiement",
    "/media/",
    "/recherche/suggestions",
    "/connexion",
    "/inscription",
    "/*?*apres=",
)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Everything may be read but what is somebody's own, and what has no end."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_MACHINES)]
    lines += [f"Disallow: /en{path}" for path in NOT_FOR_MACHINES if path != "/media/"]
    lines += ["", f"Sitemap: {current_app.config['SHOP_URL']}/sitemap.xml", ""]
    return Response("\n".join(lines), mimetype="text/plain")


@blueprint.get("/sitemap.xml")
def sitemap_index() -> Response:
    """The sitemaps (sitemaps.org/protocol.html)."""
    return _xml("pages/sitemaps.xml", count=machines.sitemap_count(db.session))


@blueprint.get("/sitemap-<int:number>.xml")
def sitemap(number: int) -> Response:
    """Some thousand addresses, each with its page in the other language."""
    if number not in range(1, machines.sitemap_count(db.session) + 1):
        abort(404)
    fixed = FIXED_PATHS if number == 1 else ()
    return _xml("pages/sitemap.xml", paths=[*fixed, *machines.sitemap_paths(db.session, number)])


@blueprint.get("/films.atom")
def feed() -> Response:
    """The newest films (RFC 4287)."""
    films = machines.new_films(db.session, language())
    return _xml("pages/films.atom.xml", "application/atom+xml", films=films)


def _xml(template: str, mimetype: str = "application/xml", **values: object) -> Response:
    answer = Response(render_template(template, shop_url=current_app.config["SHOP_URL"], **values), mimetype=mimetype)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer
