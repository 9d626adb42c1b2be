"""Failures of playing that the shop saw itself: who met one near the end of a rental gets time to try again."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from store import clock
from store.audit.alert import raise_alert
from store.catalogue.models import Film
from store.gateways.media_store import MediaStore, NotThere, OutOfReach
from store.playback.models import Lease, PlaybackFailure
from store.rentals.models import Entitlement

TIME_TO_TRY_AGAIN = timedelta(hours=24)
"""A rental in which playing failed does not end sooner than this after the last failure."""

BETWEEN_NOTES = timedelta(minutes=5)
"""A player asks again and again for what is missing: of a stream's failures one is noted in so much time."""


def is_owed(store: MediaStore, film: str, recipe: str, name: str) -> bool:
    """Whether this version ought to hold the file: none of it is there any more, or one of its playlists names it.

    Without this, whoever asks for names that never were would prolong their rental as they like.
    """
    folder, _, last = name.rpartition("/")
    return not store.has(film, recipe) or any(
        _names(store, film, recipe, playlist, named)
        for playlist, named in ((f"{folder}/index.m3u8" if folder else "index.m3u8", last), ("index.m3u8", name))
    )


def note_failure(session: Session, lease_id: str, name: str, at: datetime) -> bool:
    """Note that a running stream did not get a file that it is owed, prolong its rental and tell staff.

    False if the stream does not run or one of its failures was noted just before.
    """
    row = session.execute(
        select(Entitlement.id, Entitlement.ends_at, Lease.recipe, Film.slug)
        .join(Lease, Lease.entitlement_id == Entitlement.id)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Lease.id == lease_id, Lease.ended_at.is_(None), Entitlement.revoked_at.is_(None))
        .with_for_update(key_share=True, of=Entitlement)
    ).first()
    if row is None or _was_noted(session, lease_id, at):
        return False
    ends_soon = row.ends_at is not None and row.ends_at < at + TIME_TO_TRY_AGAIN
    extended_to = at + TIME_TO_TRY_AGAIN if ends_soon else None
    if extended_to:
        session.execute(update(Entitlement).where(Entitlement.id == row.id).values(ends_at=extended_to))
    session.execute(
        insert(PlaybackFailure).values(
            entitlement_id=row.id,
            lease_id=lease_id,
            recipe=row.recipe,
            name=name,
            at=at,
            extended_from=row.ends_at if extended_to else None,
            extended_to=extended_to,
        )
    )
    key = f"playback:{row.slug}:{row.recipe}:{clock.day_of(at)}"
    raise_alert(session, "playback_failed", key, {"film": row.slug, "file": f"{row.recipe}/{name}"}, at)
    return True


def _was_noted(session: Session, lease_id: str, at: datetime) -> bool:
    lately = select(PlaybackFailure.id).where(
        PlaybackFailure.lease_id == lease_id, PlaybackFailure.at > at - BETWEEN_NOTES
    )
    return session.scalar(lately.limit(1)) is not None


def _names(store: MediaStore, film: str, recipe: str, playlist: str, named: str) -> bool:
    try:
        with store.open(film, recipe, playlist) as file:
            text = file.read().decode()
    except (NotThere, OutOfReach, OSError, ValueError):
        return playlist == named  # a version without its first playlist is no version
    return bool(named) and named in text.replace('"', "\n").splitlines()
