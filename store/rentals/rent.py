"""Spending credit on a film: lock, price, grant and post in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, insert, select
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.licence import Bar, Licence
from store.catalogue.prices import Prices, prices_of
from store.customers.models import Customer
from store.db import table_of
from store.ledger.chart import PURCHASE_SALES, RENTAL_SALES
from store.ledger.post import LockedWallet, lock_wallet, spend
from store.rentals.standing import ENTITLEMENT, FILM, in_force_at, strongest_first
from store.stop import stop_at

_CUSTOMER = table_of(Customer)
_COUNTRY = select(_CUSTOMER.c.country).where(_CUSTOMER.c.id == bindparam("customer_id")).scalar_subquery()
_OFFER = strongest_first(
    select(
        FILM.c.id,
        FILM.c.minutes,
        FILM.c.released_on,
        FILM.c.rent_cents,
        FILM.c.buy_cents,
        FILM.c.licensed_from,
        FILM.c.licensed_until,
        FILM.c.territories,
        _COUNTRY.label("country"),
        ENTITLEMENT.c.id.label("held_id"),
        ENTITLEMENT.c.kind.label("held_kind"),
    )
    .outerjoin(
        ENTITLEMENT,
        and_(
            ENTITLEMENT.c.film_id == FILM.c.id,
            ENTITLEMENT.c.customer_id == bindparam("customer_id"),
            in_force_at(bindparam("at", type_=ENTITLEMENT.c.granted_at.type)),
        ),
    )
    .where(FILM.c.slug == bindparam("slug"), FILM.c.recipe.is_not(None))
)
_GRANT = insert(ENTITLEMENT).returning(ENTITLEMENT.c.id)


class NotForSale(Exception):
    """There is no such film, or it cannot be played yet, and so it cannot be sold."""


class NotOffered(NotForSale):
    """The film's licence forbids to offer it today, or to who lives where this customer does; `bar` says which."""

    def __init__(self, bar: Bar) -> None:
        super().__init__(bar)
        self.bar = bar


@dataclass(frozen=True)
class Terms:
    """On what terms the shop lets films. Who declared no country lives in the shop's."""

    start_days: int
    vat_percent: Decimal
    shop_country: str = "FR"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Terms":
        """Those that the shop's settings name."""
        return cls(settings["RENTAL_START_DAYS"], settings["SHOP_VAT_PERCENT"], settings["SHOP_COUNTRY"])

    def begin_before(self, licence: Licence, at: datetime) -> datetime:
        """Until when a rental of this moment must begin: within its days, and within the film's licence."""
        latest = at + timedelta(days=self.start_days)
        return min(latest, clock.start_of(licence.ends + timedelta(days=1))) if licence.ends else latest


@dataclass(frozen=True)
class Grant:
    """What came of it: the entitlement, and whether it is new (and was charged) or was there before."""

    entitlement_id: int
    is_new: bool


@dataclass(frozen=True)
class _Offer:
    """A film as it stands before this customer: its prices, and what lets them play it already."""

    film_id: int
    prices: Prices
    licence: Licence
    country: str | None
    held_id: int | None
    held_kind: str | None

    def check(self, terms: Terms, at: datetime) -> None:
        """Raise NotOffered unless the customer may have the film at this instant."""
        bar = self.licence.bar(self.country or terms.shop_country, clock.day_of(at))
        if bar:
            raise NotOffered(bar)


def rent(
    session: Session,
    customer_id: int,
    wallet_id: int,
    film_slug: str,
    terms: Terms,
    at: datetime,
    *,
    at_most_cents: int | None = None,
) -> Grant:
    """Rent a film with the wallet's credit. Who may play it already gets that, and nothing is charged.

    `at_most_cents` is a price that was agreed before: nobody pays more than that.
    A rental must begin within the film's licence. Raises NotForSale, NotOffered and InsufficientCredit; then nothing has
    happened, provided the transaction is rolled back.
    """
    wallet = lock_wallet(session, wallet_id)
    stop_at("rent.locked")
    offer = _offer(session, customer_id, film_slug, at)
    if offer.held_id is not None:
        return Grant(offer.held_id, False)
    offer.check(terms, at)
    price_cents = _at_most(at_most_cents, offer.prices.rent)
    begin_before = terms.begin_before(offer.licence, at)
    entitlement_id = _grant(session, "rental", customer_id, offer.film_id, price_cents, at, begin_before)
    stop_at("rent.granted")
    _charge(session, wallet, "rental", RENTAL_SALES, entitlement_id, price_cents, terms, at)
    stop_at("rent.posted")
    return Grant(entitlement_id, True)


def buy(
    session: Session,
    customer_id: int,
    wallet_id: int,
    film_slug: str,
    terms: Terms,
    at: datetime,
    *,
    at_most_cents: int | None = None,
) -> Grant:
    """Buy a film with the wallet's credit, rented or not; who bought it before pays nothing. Otherwise as `rent`."""
    wallet = lock_wallet(session, wallet_id)
    stop_at("buy.locked")
    offer = _offer(session, customer_id, film_slug, at)
    if offer.held_id is not None and offer.held_kind == "purchase":
        return Grant(offer.held_id, False)
    offer.check(terms, at)
    price_cents = _at_most(at_most_cents, offer.prices.buy)
    entitlement_id = _grant(session, "purchase", customer_id, offer.film_id, price_cents, at, None)
    stop_at("buy.granted")
    _charge(session, wallet, "purchase", PURCHASE_SALES, entitlement_id, price_cents, terms, at)
    stop_at("buy.posted")
    return Grant(entitlement_id, True)


def reference_of(entitlement_id: int) -> str:
    """How the ledger refers to an entitlement."""
    return f"entitlement:{entitlement_id}"


def _offer(session: Session, customer_id: int, film_slug: str, at: datetime) -> _Offer:
    asked = {"customer_id": customer_id, "slug": film_slug, "at": at}
    row = session.connection().execute(_OFFER, asked).first()
    if row is None:
        raise NotForSale(film_slug)
    prices = prices_of(row.minutes, row.released_on, row.rent_cents, row.buy_cents, clock.day_of(at))
    licence = Licence(row.licensed_from, row.licensed_until, row.territories)
    return _Offer(row.id, prices, licence, row.country, row.held_id, row.held_kind)


def _at_most(agreed_cents: int | None, present_cents: int) -> int:
    return present_cents if agreed_cents is None else min(agreed_cents, present_cents)


def _grant(
    session: Session,
    kind: str,
    customer_id: int,
    film_id: int,
    price_cents: int,
    at: datetime,
    begin_before: datetime | None,
) -> int:
    return (
        session.connection()
        .execute(
            _GRANT,
            {
                "customer_id": customer_id,
                "film_id": film_id,
                "kind": kind,
                "price_cents": price_cents,
                "granted_at": at,
                "begin_before": begin_before,
                "position_s": 0,
                "position_sequence": 0,
            },
        )
        .scalar_one()
    )


def _charge(
    session: Session,
    wallet: LockedWallet,
    kind: str,
    sales_account: str,
    entitlement_id: int,
    price_cents: int,
    terms: Terms,
    at: datetime,
) -> None:
    reference = reference_of(entitlement_id)
    spend(
        session,
        wallet.id,
        price_cents,
        currency=wallet.currency,
        kind=kind,
        sales_account=sales_account,
        vat_percent=terms.vat_percent,
        key=f"{reference}:spend",
        reference=reference,
        at=at,
    )
