"""The catalogue's pages: the wall of films, a film, collections, posters."""

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from store import clock
from store.catalogue import browse
from store.catalogue.posters import poster_mark, poster_svg
from store.db import db
from store.language import language
from store.prepaid_cards.denominations import on_sale
from store.rentals.standing import standing_of
from store.web.markdown import render_markdown

blueprint = Blueprint("catalogue", __name__)

POSTER_LIFE = "public, max-age=31536000, immutable"


@blueprint.get("/films")
def films() -> str:
    """All films; `tri` orders them."""
    sort = request.args.get("tri", browse.SORTS[0])
    if sort not in browse.SORTS:
        sort = browse.SORTS[0]
    return render_template(
        "catalogue/films.html",
        films=browse.all_films(db.session, sort),
        sort=sort,
        band_denominations=on_sale(db.session),
    )


@blueprint.get("/films/<slug>")
def film(slug: str) -> str:
    """A film, and what this visitor can do with it."""
    today = clock.now().astimezone(clock.shop_zone()).date()
    found = browse.film_page(db.session, slug, language(), today) or abort(404)
    standing = (
        standing_of(db.session, current_user.customer_id, found.id, clock.now())
        if current_user.is_authenticated
        else None
    )
    return render_template(
        "catalogue/film.html",
        film=found,
        standing=standing,
        now=clock.now(),
        play_hours=current_app.config["RENTAL_PLAY_HOURS"],
        start_days=current_app.config["RENTAL_START_DAYS"],
        related=browse.related_films(db.session, found.id),
        band_denominations=on_sale(db.session),
    )


@blueprint.get("/collections")
def collections() -> str:
    """All collections."""
    return render_template(
        "catalogue/collections.html",
        collections=browse.all_collections(db.session, language()),
        band_denominations=on_sale(db.session),
    )


@blueprint.get("/collections/<slug>")
def collection(slug: str) -> str:
    """A collection: its words, its films, the others."""
    page = browse.collection_page(db.session, slug, language()) or abort(404)
    return render_template(
        "catalogue/collection.html",
        page=page,
        intro=render_markdown(page.intro),
        more=render_markdown(page.more),
        films=browse.films_of_collection(db.session, slug),
        band_denominations=on_sale(db.session),
    )


@blueprint.get("/affiches/<slug>-<mark>.svg")
def poster(slug: str, mark: str) -> AnyResponse:
    """A drawn poster. Its address carries a mark of the film's facts; an old mark leads to the present one."""
    found = browse.film_card(db.session, slug) or abort(404)
    if mark != poster_mark(found):
        return redirect(found.poster_url, 301)
    answer = Response(poster_svg(found.title, found.directors, found.year, found.slug), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = POSTER_LIFE
    return answer
