"""The version of the catalogue: a number that moves in the transaction of whatever its pages show."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.catalogue.models import CatalogueState


def version_of(session: Session) -> int:
    """The version that this session sees."""
    return session.scalars(select(CatalogueState.version)).one()


def move_on(session: Session) -> None:
    """Something that the catalogue's pages show has changed."""
    session.execute(update(CatalogueState).values(version=CatalogueState.version + 1))
