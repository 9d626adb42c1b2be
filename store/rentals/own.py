"""What the ledger's references to entitlements mean."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.rentals.models import Entitlement
from store.rentals.rent import reference_of


@dataclass(frozen=True)
class FilmReference:
    """The film behind a reference, whether it was rented or bought, and the entitlement that this gave."""

    entitlement_id: int
    slug: str
    title: str
    kind: str


def describe(session: Session, references: Iterable[str]) -> dict[str, FilmReference]:
    """The films behind those of a statement's references that are entitlements."""
    prefix = reference_of(0)[:-1]
    ids = [int(reference.removeprefix(prefix)) for reference in references if reference.startswith(prefix)]
    rows = session.execute(
        select(Entitlement.id, Film.slug, Film.title, Entitlement.kind)
        .join(Film, Film.id == Entitlement.film_id)
        .where(Entitlement.id.in_(ids))
    )
    return {reference_of(row.id): FilmReference(row.id, row.slug, row.title, row.kind) for row in rows}
