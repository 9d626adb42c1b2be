"""The catalogue's pages: the wall of films, a film, collections, posters."""

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from store import clock
from store.catalogue import browse
from store.catalogue.facets import index_for
from store.catalogue.machines import film_facts
from store.catalogue.offers import facets_offered
from store.catalogue.posters import poster_mark, poster_svg
from store.catalogue.search import search
from store.catalogue.wall import Choice, films_chosen
from store.db import db
from store.language import language
from store.prepaid_cards.denominations import on_sale_at
from store.rentals.standing import standing_of
from store.shown import version_of
from store.web.corner import visitor_country
from store.web.kept_pages import same_for_every_stranger, version_seen
from store.web.markdown import render_markdown

blueprint = Blueprint("catalogue", __name__)

HITS, SUGGESTED, NEAREST = 60, 8, 4
POSTER_LIFE = "public, max-age=31536000, immutable"


@blueprint.get("/films")
@same_for_every_stranger
def films() -> str:
    """The wall: what the address chooses, in its order, after its cursor; one choice has one address."""
    choice = Choice.of(request.args.getlist)
    on_wall, last = films_chosen(db.session, choice)
    if choice.after and not on_wall:
        choice = choice.going_on(None)  # that film is gone, or was the last
        on_wall, last = films_chosen(db.session, choice)
    index = index_for(db.session, version_of(db.session), choice.chosen)
    return render_template(
        "catalogue/films.html",
        films=on_wall,
        count=index.count(choice.chosen),
        choice=choice,
        facets=facets_offered(index, choice, language()),
        next_address=choice.going_on(last).address() if last else None,
        band_denominations=on_sale_at(db.session, version_seen()),
    )


@blueprint.get("/films/<slug>")
@same_for_every_stranger
def film(slug: str) -> AnyResponse | str:
    """A film, and what this visitor can do with it."""
    found = browse.film_page(db.session, slug, language(), clock.today())
    if found is None:
        return redirect(f"/films/{browse.former_slug(db.session, slug) or abort(404)}", 301)
    standing = (
        standing_of(db.session, current_user.customer_id, found.id, clock.now())
        if current_user.is_authenticated
        else None
    )
    bar = found.licence.bar(visitor_country(), clock.today())
    return render_template(
        "catalogue/film.html",
        film=found,
        standing=standing,
        bar=bar,
        now=clock.now(),
        play_hours=current_app.config["RENTAL_PLAY_HOURS"],
        start_days=current_app.config["RENTAL_START_DAYS"],
        facts=film_facts(found, bar, current_app.config["SHOP_URL"], current_app.config["SHOP_CURRENCY"]),
        shop_url=current_app.config["SHOP_URL"],
        related=browse.related_films(db.session, found.id),
        band_denominations=on_sale_at(db.session, version_seen()),
    )


@blueprint.get("/collections")
@same_for_every_stranger
def collections() -> str:
    """All collections."""
    return render_template(
        "catalogue/collections.html",
        collections=browse.all_collections(db.session, language()),
        band_denominations=on_sale_at(db.session, version_seen()),
    )


@blueprint.get("/collections/<slug>")
@same_for_every_stranger
def collection(slug: str) -> str:
    """A collection: its words, its films, the others."""
    page = browse.collection_page(db.session, slug, language()) or abort(404)
    return render_template(
        "catalogue/collection.html",
        page=page,
        intro=render_markdown(page.intro),
        more=render_markdown(page.more),
        films=browse.films_of_collection(db.session, slug),
        band_denominations=on_sale_at(db.session, version_seen()),
    )


@blueprint.get("/personnes/<slug>")
@same_for_every_stranger
def person(slug: str) -> str:
    """Somebody who made films, and the films."""
    found, films = browse.person_page(db.session, slug) or abort(404)
    return render_template(
        "catalogue/person.html", person=found, films=films, band_denominations=on_sale_at(db.session, version_seen())
    )


@blueprint.get("/recherche")
def search_page() -> str:
    """What a question finds; where nothing carries all of its words, what comes nearest."""
    found = search(db.session, request.args.get("q", ""), language(), HITS)
    nearest = browse.newest_films(db.session, NEAREST) if found.question and not found.hits else []
    return render_template(
        "catalogue/search.html", found=found, nearest=nearest, band_denominations=on_sale_at(db.session, version_seen())
    )


@blueprint.get("/recherche/suggestions")
def suggestions() -> str:
    """The same as one types: a fragment of a page."""
    found = search(db.session, request.args.get("q", ""), language(), SUGGESTED)
    return render_template("catalogue/suggestions.html", found=found)


@blueprint.get("/affiches/<slug>-<mark>.svg")
def poster(slug: str, mark: str) -> AnyResponse:
    """A drawn poster. Its address carries a mark of the film's facts; an old mark leads to the present one."""
    found = browse.film_card(db.session, slug) or abort(404)
    if mark != poster_mark(found):
        return redirect(found.poster_url, 301)
    answer = Response(poster_svg(found.title, found.directors, found.year, found.slug), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = POSTER_LIFE
    return answer
