"""May this customer play this film here and now? If so: begin the rental, once, and take a lease."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.licence import Bar, Licence
from store.catalogue.models import Film
from store.jobs.enqueue import enqueue
from store.ledger.post import lock_wallet
from store.media.models import Ingest
from store.playback import leases
from store.playback.leases import Viewer
from store.rentals.models import Entitlement
from store.rentals.standing import Standing, standing_of

CONSENT_VERSION = "2026-11"
"""Names the words of the button that begins a rental and of the sentence beside it; stored with each consent."""

FINISHED = 0.95
"""Who has seen this share of a film begins it anew."""

FOR_ADULTS = 18
"""Films that are forbidden under this age play after the account's code."""


class NotEntitled(Exception):
    """The customer holds nothing that lets them play this film now."""


class ConsentNeeded(Exception):
    """The rental has not begun, and nobody said yet that it shall."""


class CodeNeeded(Exception):
    """The film is forbidden to minors, and this browser was not shown the account's code lately."""


class Barred(Exception):
    """The film's licence forbids to show it to this customer today; `bar` says what does."""

    def __init__(self, bar: Bar) -> None:
        super().__init__(bar)
        self.bar = bar


@dataclass(frozen=True)
class Rules:
    """How long a rental plays, and how many streams a customer may run at once."""

    play_hours: int
    streams: int


@dataclass(frozen=True)
class HeldFilm:
    """A film that the customer holds, as the player page shows it. `resume_at_s` is 0 for a new or finished film.

    `folder` and `recipe` name what is played, in the media store and in tokens.
    `bar` is what its licence sets against playing it today; it is `for_adults` if it plays after the account's code.
    """

    entitlement_id: int
    slug: str
    title: str
    folder: str
    recipe: str
    subtitles: list[str]
    awaits_consent: bool
    begin_before: datetime | None
    ends_at: datetime | None
    resume_at_s: int
    for_adults: bool
    licence: Licence
    bar: Bar | None


@dataclass(frozen=True)
class Start:
    """A stream that may run: its lease, what to play and from where."""

    lease_id: str
    film: HeldFilm
    ends_at: datetime | None


def held_film(session: Session, customer_id: int, film_slug: str, country: str, at: datetime) -> HeldFilm:
    """The film that the customer, who lives in `country`, holds at `at`, by purchase or else by rental; raises NotEntitled."""
    film = session.execute(
        select(
            *(Film.id, Film.slug, Film.title, Film.media_folder, Film.recipe, Film.subtitles, Film.age),
            Ingest.duration_s,
            *(Film.licensed_from, Film.licensed_until, Film.territories),
        )
        .outerjoin(Ingest, Ingest.film_id == Film.id)
        .where(Film.answers_to(film_slug), Film.recipe.is_not(None))
    ).first()
    held = standing_of(session, customer_id, film.id, at) if film else None
    if film is None or held is None:
        raise NotEntitled(film_slug)
    licence = Licence(film.licensed_from, film.licensed_until, film.territories)
    return HeldFilm(
        entitlement_id=held.entitlement_id,
        slug=film.slug,
        title=film.title,
        folder=film.media_folder,
        recipe=film.recipe,
        subtitles=film.subtitles,
        awaits_consent=held.kind == "rental" and not held.begun,
        begin_before=held.begin_before,
        ends_at=held.ends_at,
        resume_at_s=0 if is_finished(held.position_s, film.duration_s) else held.position_s,
        for_adults=film.age >= FOR_ADULTS,
        licence=licence,
        bar=_bar(licence, held, country, at),
    )


def authorise(session: Session, viewer: Viewer, film_slug: str, *, consent: bool, rules: Rules, at: datetime) -> Start:
    """Let the viewer play, beginning the rental if `consent` says so. All or nothing, by the caller's transaction.

    Raises NotEntitled, Barred, CodeNeeded, ConsentNeeded and `leases.TooManyStreams`. Holds the wallet from the start, so that of several
    starts at once each sees what the others did.
    """
    lock_wallet(session, viewer.wallet_id)
    film = held_film(session, viewer.customer_id, film_slug, viewer.country, at)
    if film.bar:
        raise Barred(film.bar)
    if film.for_adults and not viewer.is_open_for_adults:
        raise CodeNeeded(film_slug)
    if film.awaits_consent and not consent:
        raise ConsentNeeded(film_slug)
    lease_id = leases.take(session, viewer, film.entitlement_id, film.recipe, rules.streams, at)
    ends_at = _begin(session, film.entitlement_id, rules.play_hours, at) if film.awaits_consent else film.ends_at
    return Start(lease_id, film, ends_at)


def is_finished(position_s: float, duration_s: float | None) -> bool:
    """Whether who has come this far has seen the film; nobody knows while its length is unknown."""
    return bool(duration_s) and position_s > FINISHED * (duration_s or 0)


def _bar(licence: Licence, held: Standing, country: str, at: datetime) -> Bar | None:
    """After the licence's end a rental does not begin any more; one that has begun runs on, and a purchase stays."""
    bar = licence.bar(country, clock.day_of(at))
    is_kept = held.begun or held.kind == "purchase"
    return None if bar == Bar.OVER and is_kept else bar


def _begin(session: Session, entitlement_id: int, play_hours: int, at: datetime) -> datetime:
    ends_at = at + timedelta(hours=play_hours)
    session.execute(
        update(Entitlement)
        .where(Entitlement.id == entitlement_id)
        .values(begun_at=at, ends_at=ends_at, consent_version=CONSENT_VERSION)
    )
    enqueue(session, "rentals.mail_begun", {"entitlement_id": entitlement_id})
    return ends_at
