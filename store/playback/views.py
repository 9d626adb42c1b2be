"""The player page, the player's conversation with the shop, and the film itself."""

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, current_app, jsonify, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from store import clock
from store.customers import declare, passwords
from store.customers.device_name import device_name
from store.db import db, transaction
from store.gateways.media_names import EVERYBODY_KEEPS, NOBODY_KEEPS, cache_rule, file_name, media_type
from store.gateways.media_store import NotThere, OutOfReach, media_store
from store.media.download import download_of, folder_of
from store.playback import failures, leases, send, tokens
from store.playback.authorise import (
    Barred,
    CodeNeeded,
    ConsentNeeded,
    HeldFilm,
    NotEntitled,
    Rules,
    Start,
    authorise,
    held_film,
)
from store.playback.leases import RunningStream, TooManyStreams, Viewer
from store.playback.renew import Refused, renew
from store.playback.take_home import NotBought, bought, buyers_mark
from store.web.corner import visitor_country
from store.web.filters import day_time
from store.web.limits import limiter, this_customer

blueprint = Blueprint("playback", __name__)

WRONG_CODE, LONGEST_CODE = 422, 20
SPEEDS = (0.5, 0.75, 1, 1.25, 1.5, 2)

Answer = Response | tuple[Response, int]


@blueprint.get("/films/<slug>/voir")
@login_required
def player(slug: str) -> str | Response:
    """The player page; who holds nothing for this film finds its page instead."""
    film = _held(slug)
    return _page(film) if film else redirect(url_for("catalogue.film", slug=slug), 303)


@blueprint.post("/films/<slug>/code")
@login_required
@limiter.limit("5 per 15 minutes", deduct_when=lambda answer: answer.status_code == WRONG_CODE, key_func=this_customer)
def enter_code(slug: str) -> Response | tuple[str, int]:
    """Show the account's code, then on to a film that is not for minors."""
    film = _held(slug)
    if film is None:
        return redirect(url_for("catalogue.film", slug=slug), 303)
    pin_hash = declare.pin_hash_of(db.session, current_user.customer_id)
    db.session.rollback()  # hashing is slow: no read stays open meanwhile
    if not passwords.password_matches(request.form.get("pin", "")[:LONGEST_CODE], pin_hash):
        return _page(film, code_error=_("This is not the code of your account.")), WRONG_CODE
    with transaction() as session:
        declare.pin_entered(session, current_user.session_id, clock.now())
    return redirect(url_for("playback.player", slug=slug), 303)


@blueprint.post("/films/<slug>/lecture")
def start(slug: str) -> Answer:
    """Begin to play: the rental if it must begin, and a stream."""
    if not current_user.is_authenticated:
        return _refusal(401, "signed_out")
    rules = Rules(current_app.config["RENTAL_PLAY_HOURS"], current_app.config["STREAMS_PER_CUSTOMER"])
    consent = request.form.get("consentement") == "oui"
    at = clock.now()
    try:
        with transaction() as session:
            started = authorise(session, _viewer(), slug, consent=consent, rules=rules, at=at)
    except NotEntitled:
        return _refusal(403, "not_entitled")
    except Barred as barred:
        return _refusal(403, "barred", bar=barred.bar)
    except CodeNeeded:
        return _refusal(409, "code")
    except ConsentNeeded:
        return _refusal(409, "consent")
    except TooManyStreams as refused:
        return _refusal(409, "streams", streams=[_described(stream) for stream in refused.running])
    return _private(jsonify(_started(started, at)))


@blueprint.post("/lecture/<lease_id>")
def renew_lease(lease_id: str) -> Answer:
    """Keep a stream running: where it is, and a new token."""
    if not current_user.is_authenticated:
        return _refusal(401, "signed_out")
    position_s, sequence = _whole_number("position_s"), _whole_number("sequence")
    viewer, at = _viewer(), clock.now()
    try:
        with transaction() as session:
            renewal = renew(
                session,
                lease_id,
                viewer.customer_id,
                viewer.session_digest,
                position_s=position_s,
                sequence=sequence or 0,
                at=at,
            )
    except Refused as refused:
        return _refusal(403, refused.reason)
    if missed := request.form.get("failed"):
        _look_for(lease_id, renewal.folder, renewal.recipe, missed)
    return _private(jsonify(manifest=_manifest(lease_id, renewal.folder, renewal.recipe, at)))


@blueprint.post("/lecture/<lease_id>/arreter")
def stop_lease(lease_id: str) -> Answer:
    """End one of the customer's streams, this device's or another's."""
    if not current_user.is_authenticated:
        return _refusal(401, "signed_out")
    with transaction() as session:
        if not leases.end(session, lease_id, current_user.customer_id, clock.now()):
            abort(404)
    return Response(status=204)


@blueprint.get("/films/<slug>/telecharger")
@login_required
def download(slug: str) -> Answer | tuple[str, int, dict[str, str]]:
    """The film as a file, for who bought it; while the worker makes it, a page that says so and comes back by itself."""
    try:
        entitlement_id, for_adults = bought(db.session, current_user.customer_id, slug)
    except NotBought:
        return redirect(url_for("catalogue.film", slug=slug), 303)
    if for_adults and not declare.is_open_for_adults(current_user.pin_entered_at, clock.now()):
        return redirect(url_for("playback.player", slug=slug), 303)
    ready = download_of(db.session, slug)
    if ready is None:
        return render_template("playback/download.html", slug=slug), 202, {"Refresh": "15", "Cache-Control": "no-store"}
    db.session.rollback()  # sending a film is slow: no read stays open meanwhile
    comment = buyers_mark(entitlement_id, current_app.config["SHOP_URL"])
    try:
        return send.to_take_home(request.environ, ready, entitlement_id, comment)
    except (NotThere, OutOfReach):
        abort(503)


@blueprint.get("/media/<token>/<film>/<recipe>/<path:name>", merge_slashes=False)
def media(token: str, film: str, recipe: str, name: str) -> Response:
    """A playlist or a piece of a film, for who holds a token for it."""
    kind = _media_type(film, recipe, name)
    valid = _valid(token, film, recipe)
    try:
        response = _film_file(film, recipe, name, kind)
    except (NotThere, OutOfReach) as failure:
        _note_failure(valid.lease_id, film, recipe, name, failure)
        abort(404 if isinstance(failure, NotThere) else 503)
    response.headers["Cache-Control"] = NOBODY_KEEPS if valid.is_for_session else cache_rule(name)
    return response


@blueprint.get("/media/libre/<film>/<recipe>/<path:name>", merge_slashes=False)
def free_media(film: str, recipe: str, name: str) -> Response:
    """A trailer, a test clip, a still: open to all. A renamed film's lie where they lay; its other names lead there."""
    kind = _media_type(film, recipe, name)
    try:
        response = _film_file(film, recipe, f"libre/{name}", kind)
    except NotThere:
        folder = folder_of(db.session, film)
        if folder in (None, film):
            abort(404)
        return redirect(url_for("playback.free_media", film=folder, recipe=recipe, name=name), 301)
    except OutOfReach:
        abort(503)
    response.headers["Cache-Control"] = EVERYBODY_KEEPS
    return response


@blueprint.after_request
def keep_no_refusal(response: Response) -> Response:
    """Browsers may keep a 404 or a 410 for as long as they like unless told otherwise."""
    if response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


def _held(slug: str) -> HeldFilm | None:
    try:
        return held_film(db.session, current_user.customer_id, slug, visitor_country(), clock.now())
    except NotEntitled:
        return None


def _page(film: HeldFilm, code_error: str | None = None) -> str:
    now = clock.now()
    asks_code = film.for_adults and not declare.is_open_for_adults(current_user.pin_entered_at, now)
    return render_template(
        "playback/player.html",
        film=film,
        now=now,
        asks_code=asks_code,
        has_code=asks_code and declare.pin_hash_of(db.session, current_user.customer_id) is not None,
        code_error=code_error,
        play_hours=current_app.config["RENTAL_PLAY_HOURS"],
        speeds={speed: format_decimal(speed) for speed in SPEEDS},
    )


def _viewer() -> Viewer:
    return Viewer(
        customer_id=current_user.customer_id,
        wallet_id=current_user.wallet_id,
        session_digest=current_user.session_digest,
        user_agent=request.user_agent.string,
        country=visitor_country(),
        is_open_for_adults=declare.is_open_for_adults(current_user.pin_entered_at, clock.now()),
    )


def _started(started: Start, at: datetime) -> dict[str, Any]:
    lifetime = tokens.SESSION_LIFETIME if request.form.get("lecteur") == "natif" else tokens.LIFETIME
    return {
        "manifest": _manifest(started.lease_id, started.film.folder, started.film.recipe, at, lifetime),
        "renew": url_for("playback.renew_lease", lease_id=started.lease_id),
        "position_s": started.film.resume_at_s,
        "ends_at": started.ends_at.isoformat() if started.ends_at else None,
        "subtitles": started.film.subtitles,
    }


def _manifest(lease_id: str, film: str, recipe: str, at: datetime, lifetime: timedelta = tokens.LIFETIME) -> str:
    token = tokens.make_token(current_app.config["MEDIA_TOKEN_KEYS"], lease_id, film, recipe, at, lifetime)
    return url_for("playback.media", token=token, film=film, recipe=recipe, name="index.m3u8")


def _described(stream: RunningStream) -> dict[str, str]:
    """A stream in words, and where to POST to stop it."""
    device = device_name(stream.user_agent) or _("another device")
    words = _(
        "%(film)s, on %(device)s, since %(time)s",
        film=stream.film_title,
        device=device,
        time=day_time(stream.began_at),
    )
    return {
        "label": words,
        "device": device,
        "began_at": stream.began_at.isoformat(),
        "stop": url_for("playback.stop_lease", lease_id=stream.lease_id),
    }


def _refusal(status: int, reason: str, **more: Any) -> Answer:
    return _private(jsonify(reason=reason, **more)), status


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _whole_number(field: str) -> int | None:
    """The field's whole part, None if it was not sent; anything else is refused."""
    text = request.form.get(field, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{0,15})?", text):
        abort(422)
    return int(text.partition(".")[0])


def _media_type(film: str, recipe: str, name: str) -> str:
    """What kind of file the address names; 404 for every name that the packager does not give."""
    kind = media_type(name)
    try:
        file_name(film, recipe, name)
    except NotThere:
        kind = None
    return kind or abort(404)


def _valid(token: str, film: str, recipe: str) -> tokens.Token:
    """What the token says; 403 or 410 if it opens nothing."""
    at = clock.now()
    try:
        valid = tokens.check_token(current_app.config["MEDIA_TOKEN_KEYS"], token, film, recipe, at)
    except tokens.Invalid:
        abort(403)
    except tokens.Expired:
        abort(410)
    if valid.is_for_session and not leases.is_running(db.session, valid.lease_id, at):
        abort(403)
    return valid


def _film_file(film: str, recipe: str, name: str, kind: str) -> Response:
    handed_over = current_app.config["MEDIA_SENDER"] == "nginx"
    response = (
        send.for_nginx(film, recipe, name) if handed_over else send.published(request.environ, film, recipe, name)
    )
    response.headers["Content-Type"] = kind
    return response


def _look_for(lease_id: str, film: str, recipe: str, name: str) -> None:
    """A player says that a file did not come, from nginx or a bucket: the shop goes and looks, and believes its own eyes."""
    if media_type(name) is None:
        return
    try:
        media_store().open(film, recipe, name).close()
    except (NotThere, OutOfReach) as failure:
        _note_failure(lease_id, film, recipe, name, failure)


def _note_failure(lease_id: str, film: str, recipe: str, name: str, failure: Exception) -> None:
    """The shop does not have what it sold: it is to blame, and the rental pays for it with time."""
    if isinstance(failure, OutOfReach) or failures.is_owed(media_store(), film, recipe, name):
        with transaction() as session:
            failures.note_failure(session, lease_id, name, clock.now())
