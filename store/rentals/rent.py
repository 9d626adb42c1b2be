"""Spending credit on a film: lock, price, grant and post in one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from store.catalogue.models import Film
from store.catalogue.prices import Prices, prices_of
from store.ledger.chart import PURCHASE_SALES, RENTAL_SALES
from store.ledger.post import lock_wallet, spend
from store.rentals.models import Entitlement
from store.stop import stop_at


class NotForSale(Exception):
    """There is no such film, or it cannot be played yet, and so it cannot be sold."""


@dataclass(frozen=True)
class Terms:
    """On what terms the shop lets films."""

    start_days: int
    vat_percent: Decimal


@dataclass(frozen=True)
class Grant:
    """What came of it: the entitlement, and whether it is new (and was charged) or was there before."""

    entitlement_id: int
    is_new: bool


def rent(session: Session, customer_id: int, wallet_id: int, film_slug: str, terms: Terms, at: datetime) -> Grant:
    """Rent a film with the wallet's credit. Who may play it already gets that, and nothing is charged.

    Raises NotForSale and InsufficientCredit; then nothing has happened, provided the transaction is rolled back.
    """
    lock_wallet(session, wallet_id)
    stop_at("rent.locked")
    film_id, prices = _price(session, film_slug, at)
    held = in_force(session, customer_id, film_id, at)
    if held:
        return Grant(held.id, False)
    return _grant(session, "rental", customer_id, wallet_id, film_id, prices.rent, terms, at)


def buy(session: Session, customer_id: int, wallet_id: int, film_slug: str, terms: Terms, at: datetime) -> Grant:
    """Buy a film with the wallet's credit, rented or not; who bought it before pays nothing. Raises as `rent` does."""
    lock_wallet(session, wallet_id)
    stop_at("buy.locked")
    film_id, prices = _price(session, film_slug, at)
    held = in_force(session, customer_id, film_id, at)
    if held and held.kind == "purchase":
        return Grant(held.id, False)
    return _grant(session, "purchase", customer_id, wallet_id, film_id, prices.buy, terms, at)


def in_force(session: Session, customer_id: int, film_id: int, at: datetime) -> Entitlement | None:
    """What lets this customer play this film at this instant: a purchase before a rental; None if nothing does."""
    return session.scalar(
        select(Entitlement)
        .where(
            Entitlement.customer_id == customer_id,
            Entitlement.film_id == film_id,
            Entitlement.revoked_at.is_(None),
            or_(Entitlement.ends_at.is_(None), Entitlement.ends_at > at),
            or_(Entitlement.begun_at.is_not(None), Entitlement.begin_before.is_(None), Entitlement.begin_before > at),
        )
        .order_by(Entitlement.kind, Entitlement.id.desc())  # "purchase" sorts before "rental"
        .limit(1)
    )


def _price(session: Session, film_slug: str, at: datetime) -> tuple[int, Prices]:
    film = session.execute(
        select(Film.id, Film.minutes, Film.released_on, Film.rent_cents, Film.buy_cents).where(
            Film.slug == film_slug, Film.recipe.is_not(None)
        )
    ).first()
    if film is None:
        raise NotForSale(film_slug)
    return film.id, prices_of(film.minutes, film.released_on, film.rent_cents, film.buy_cents, at.date())


def _grant(
    session: Session,
    kind: str,
    customer_id: int,
    wallet_id: int,
    film_id: int,
    price_cents: int,
    terms: Terms,
    at: datetime,
) -> Grant:
    entitlement_id = session.scalars(
        insert(Entitlement)
        .values(
            customer_id=customer_id,
            film_id=film_id,
            kind=kind,
            price_cents=price_cents,
            granted_at=at,
            begin_before=at + timedelta(days=terms.start_days) if kind == "rental" else None,
            position_s=0,
            position_sequence=0,
        )
        .returning(Entitlement.id)
    ).one()
    stop_at(f"{'rent' if kind == 'rental' else 'buy'}.granted")
    spend(
        session,
        wallet_id,
        price_cents,
        kind=kind,
        sales_account=RENTAL_SALES if kind == "rental" else PURCHASE_SALES,
        vat_percent=terms.vat_percent,
        key=f"entitlement:{entitlement_id}:spend",
        reference=reference_of(entitlement_id),
        at=at,
    )
    stop_at(f"{'rent' if kind == 'rental' else 'buy'}.posted")
    return Grant(entitlement_id, True)


def reference_of(entitlement_id: int) -> str:
    """How the ledger refers to an entitlement."""
    return f"entitlement:{entitlement_id}"
