"""Undoing a rental that was never begun: everything as if it had not been, in the books as a reversal."""

from datetime import datetime

from sqlalchemy import Select, literal, select, update
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.ledger.models import Journal, Lot, Posting
from store.ledger.post import LockedWallet, lock_wallet, reverse
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
    held = session.scalar(_undoable(customer_id, film_slug, at).with_for_update(key_share=True, of=Entitlement))
    if held is None:
        raise TooLate(film_slug)
    give_back(session, wallet, held.id, kind="undone", key="undo", at=at)
    stop_at("undo.reversed")
    return held.price_cents


def undoable(session: Session, customer_id: int, film_slug: str, at: datetime) -> int | None:
    """The rental of this film that can be undone now, not locked; None if there is none."""
    return session.scalar(_undoable(customer_id, film_slug, at).with_only_columns(Entitlement.id))


def paid_from(session: Session, entitlement_id: int) -> set[str]:
    """The references of the cards whose credit paid for an entitlement."""
    lots = (
        select(Lot.reference)
        .join(Posting, Posting.lot_id == Lot.id)
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.idempotency_key == f"{reference_of(entitlement_id)}:spend")
    )
    return set(session.scalars(lots))


def give_back(
    session: Session, wallet: LockedWallet, entitlement_id: int, *, kind: str, key: str, at: datetime
) -> None:
    """Revoke an entitlement that is locked, and reverse its spend under `key`; what its lots' end forbids is goodwill."""
    reference = reference_of(entitlement_id)
    journal_id = session.scalars(select(Journal.id).where(Journal.idempotency_key == f"{reference}:spend")).one()
    session.execute(update(Entitlement).where(Entitlement.id == entitlement_id).values(revoked_at=at))
    stop_at("undo.revoked")
    reverse(session, wallet, journal_id, kind=kind, key=f"{reference}:{key}", at=at)


def _undoable(customer_id: int, film_slug: str, at: datetime) -> Select[Entitlement]:
    return (
        select(Entitlement)
        .join(Film, Film.id == Entitlement.film_id)
        .where(
            Film.slug == film_slug,
            Entitlement.customer_id == customer_id,
            Entitlement.kind == "rental",
            Entitlement.begun_at.is_(None),
            in_force_at(literal(at, ENTITLEMENT.c.granted_at.type)),
        )
    )
