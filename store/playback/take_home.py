"""The film as a file for who bought it: whose it is, what it is called, and the name that is written into it."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.playback.authorise import FOR_ADULTS
from store.rentals.models import Entitlement
from store.rentals.rent import reference_of

NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class NotBought(Exception):
    """The customer has not bought the film, or has been refunded."""


def bought(session: Session, customer_id: int, film_slug: str) -> tuple[int, bool]:
    """The customer's purchase of the film and whether that is forbidden to minors. Raises NotBought.

    Neither the film's sale nor its licence is looked at: what was bought stays.
    """
    row = session.execute(
        select(Entitlement.id, Film.age)
        .join(Film, Film.id == Entitlement.film_id)
        .where(
            Film.slug == film_slug,
            Entitlement.customer_id == customer_id,
            Entitlement.kind == "purchase",
            Entitlement.revoked_at.is_(None),
        )
        .order_by(Entitlement.id)
        .limit(1)
    ).first()
    if row is None:
        raise NotBought(film_slug)
    return row.id, row.age >= FOR_ADULTS


def name_at_home(title: str, year: int) -> str:
    """« La Sociale (2016).mp4 », in signs that every system takes in the name of a file."""
    readable = NOT_IN_FILE_NAMES.sub(" ", title.replace(" : ", " - "))
    return f"{' '.join(readable.split())[:120].strip('. ')} ({year}).mp4"


def buyers_mark(entitlement_id: int, shop_url: str) -> str:
    """What the file's comment says: the order in the words of the ledger, and where its receipt is."""
    return f"{reference_of(entitlement_id)} {shop_url}/compte/recus/films/{entitlement_id}"
