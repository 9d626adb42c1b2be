"""The catalogue's pages: the wall of films, a film, collections, posters."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from store import clock
from store.catalogue import browse, share_picture
from store.catalogue.facets import index_for
from store.catalogue.licence import Bar
from store.catalogue.machines import collection_facts, film_facts
from store.catalogue.offers import facets_offered
from store.catalogue.posters import poster_mark, poster_svg
from store.catalogue.related import related_films
from store.catalogue.search import search
from store.catalogue.share_picture import SharePicture
from store.catalogue.wall import Choice, films_chosen
from store.checkout.shares import Rates, divide_price
from store.db import db
from store.language import language, speaking
from store.rentals.standing import relation_of
from store.web.band import money_band
from store.web.corner import visitor_country
from store.web.kept_pages import same_for_every_stranger
from store.web.kept_pieces import kept, piece, version_shown
from store.web.markdown import render_markdown

blueprint = Blueprint("catalogue", __name__)

HITS, SUGGESTED, NEAREST = 60, 8, 4
NOBODYS_STANDING = {"standing": None, "credit_cents": None}
POSTER_LIFE = "public, max-age=31536000, immutable"


@blueprint.get("/films")
@same_for_every_stranger
def films() -> str:
    """The wall: what the address chooses, in its order, after its cursor; one choice has one address."""
    choice = Choice.of(request.args.getlist)
    wall = piece("catalogue/wall.html", lambda: _wall(choice), choice.address())
    return render_template("catalogue/films.html", wall=wall, band=money_band())


def _wall(choice: Choice) -> dict[str, Any]:
    index = index_for(db.session, version_shown(), choice.chosen)
    few = index.few(choice.chosen)
    on_wall, last = films_chosen(db.session, choice, few)
    if choice.after and not on_wall:
        choice = choice.going_on(None)  # that film is gone, or was the last
        on_wall, last = films_chosen(db.session, choice, few)
    return {
        "films": on_wall,
        "count": index.count(choice.chosen),
        "choice": choice,
        "facets": facets_offered(index, choice, language()),
        "next_address": choice.going_on(last).address() if last else None,
    }


@blueprint.get("/films/<slug>")
@same_for_every_stranger
def film(slug: str) -> AnyResponse | str:
    """A film, and what this visitor can do with it."""
    found = _film(slug)
    if found is None:
        return redirect(f"/films/{browse.former_slug(db.session, slug) or abort(404)}", 301)
    bar = found.licence.bar(visitor_country(), clock.today())
    facts = {
        "film": found,
        "bar": bar,
        "play_hours": current_app.config["RENTAL_PLAY_HOURS"],
        "start_days": current_app.config["RENTAL_START_DAYS"],
    }
    related = piece("catalogue/film_related.html", lambda: {"films": related_films(db.session, found.id)}, slug)
    return render_template(
        "catalogue/film.html",
        **facts,
        **_own_standing(found.id),
        strangers_acts=piece("catalogue/film_acts.html", lambda: {**facts, **NOBODYS_STANDING}, slug, bar),
        head=piece("catalogue/film_head.html", lambda: _machine_facts(found, bar), slug, bar),
        opening=piece("catalogue/film_opening.html", lambda: facts, slug, bar),
        excerpts=piece("catalogue/film_excerpts.html", lambda: facts, slug),
        share=piece("catalogue/film_share.html", lambda: {**facts, **_shop_url()}, slug),
        money=piece("catalogue/film_money.html", lambda: _where_money_goes(found), slug),
        related=related,
        band=money_band(),
    )


def _own_standing(film_id: int) -> dict[str, Any]:
    """What somebody who is signed in can do with the film; nothing of a stranger."""
    if not current_user.is_authenticated:
        return {}
    now = clock.now()
    relation = relation_of(db.session, current_user.customer_id, film_id, now)
    return {"standing": relation.standing, "on_list": relation.on_list, "now": now}


def _machine_facts(film: browse.FilmPage, bar: Bar | None) -> dict[str, Any]:
    shop_url, currency = current_app.config["SHOP_URL"], current_app.config["SHOP_CURRENCY"]
    picture = share_picture.of_film(film, current_app.config["SHOP_NAME"])
    return {"film": film, "facts": film_facts(film, bar, shop_url, currency), "picture": picture, **_shop_url()}


def _where_money_goes(film: browse.FilmPage) -> dict[str, Any]:
    rates = Rates.of(current_app.config)
    return {"shares": divide_price(film.prices.rent, current_app.config["SHOP_VAT_PERCENT"], rates), "rates": rates}


def _shop_url() -> dict[str, str]:
    return {"shop_url": current_app.config["SHOP_URL"]}


def _film(slug: str) -> browse.FilmPage | None:
    """Everything that its page says of a film, read once for each version of the catalogue."""
    return kept(
        lambda: browse.film_page(db.session, slug, language(), clock.today()), browse.film_page, slug, language()
    )


@blueprint.get("/films/<slug>/extraits")
@same_for_every_stranger
def excerpts(slug: str) -> AnyResponse | str:
    """The film's trailer and a test clip, on a page of their own for who comes without script."""
    found = _film(slug)
    if found is None:
        return redirect(f"/films/{browse.former_slug(db.session, slug) or abort(404)}/extraits", 301)
    if not found.playable or found.licence.bar(visitor_country(), clock.today()):
        abort(404)
    return render_template("catalogue/excerpts_page.html", film=found, band=money_band())


@blueprint.get("/collections")
@same_for_every_stranger
def collections() -> str:
    """All collections."""
    return render_template(
        "catalogue/collections.html",
        collections=browse.all_collections(db.session, language()),
        band=money_band(),
    )


@blueprint.get("/collections/<slug>")
@same_for_every_stranger
def collection(slug: str) -> str:
    """A collection: its words, its films, the others."""
    page = browse.collection_page(db.session, slug, language()) or abort(404)
    films = browse.films_of_collection(db.session, slug, language())
    return render_template(
        "catalogue/collection.html",
        page=page,
        facts=collection_facts(page, films, current_app.config["SHOP_URL"]),
        picture=_picture_of(page.name),
        intro=render_markdown(page.intro),
        more=render_markdown(page.more),
        films=films,
        band=money_band(),
    )


@blueprint.get("/personnes/<slug>")
@same_for_every_stranger
def person(slug: str) -> str:
    """Somebody who made films, and the films."""
    found, films = browse.person_page(db.session, slug) or abort(404)
    return render_template("catalogue/person.html", person=found, films=films, band=money_band())


@blueprint.get("/recherche")
def search_page() -> str:
    """What a question finds; where nothing carries all of its words, what comes nearest."""
    found = search(db.session, request.args.get("q", ""), language(), HITS)
    nearest = browse.newest_films(db.session, NEAREST) if found.question and not found.hits else []
    return render_template("catalogue/search.html", found=found, nearest=nearest, band=money_band())


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


@blueprint.get("/affiches/films/<slug>-<mark>.png")
def film_picture(slug: str, mark: str) -> AnyResponse:
    """The picture that goes with a link to a film's page."""
    found = browse.film_card(db.session, slug) or abort(404)
    return share_picture.answer(share_picture.of_film(found, current_app.config["SHOP_NAME"]), mark)


@blueprint.get("/affiches/collections/<any(fr, en):lang>/<slug>-<mark>.png")
def collection_picture(lang: str, slug: str, mark: str) -> AnyResponse:
    """The picture that goes with a link to a collection."""
    name = browse.collection_name(db.session, slug, lang) or abort(404)
    with speaking(lang):
        return share_picture.answer(_picture_of(name), mark)


def _picture_of(name: browse.CollectionName) -> SharePicture:
    count = ngettext("%(num)s film", "%(num)s films", name.count)
    place = f"collections/{language()}/{name.slug}"
    return SharePicture(place, name.title, (count,), current_app.config["SHOP_NAME"])
