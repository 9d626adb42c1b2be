"""Undoing a rental that was never begun: everything as if it had not been, in the books as a reversal."""

from datetime import datetime

from sqlalchemy import literal, select, update
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.ledger.models import Journal
from store.ledger.post import lock_wallet, reverse
from store.rentals.models import Entitlement
from store.rentals.rent import reference_of
from store.rentals.standing import ENTITLEMENT, in_force_at
from store.stop import stop_at


class TooLate(Exception):
    """There is no rental of this film that can still be begun."""


def undo(session: Session, customer_id: int, wallet_id: int, film_slug: str, at: datetime) -> int:
    """Revoke the rental and put its price back into the lots that it came from; returns the cents. Raises TooLate."""
    wallet = lock_wallet(session, wallet_id)
    stop_at("undo.locked")
    held = session.scalar(
        select(Entitlement)
        .join(Film, Film.id == Entitlement.film_id)
        .where(
            Film.slug == film_slug,
            Entitlement.customer_id == customer_id,
            Entitlement.kind == "rental",
            Entitlement.begun_at.is_(None),
            in_force_at(literal(at, ENTITLEMENT.c.granted_at.type)),
        )
        .with_for_update(key_share=True, of=Entitlement)
    )
    if held is None:
        raise TooLate(film_slug)
    reference = reference_of(held.id)
    journal_id = session.scalars(select(Journal.id).where(Journal.idempotency_key == f"{reference}:spend")).one()
    session.execute(update(Entitlement).where(Entitlement.id == held.id).values(revoked_at=at))
    stop_at("undo.revoked")
    reverse(session, wallet, journal_id, kind="undone", key=f"{reference}:undo", at=at)
    stop_at("undo.reversed")
    return held.price_cents
