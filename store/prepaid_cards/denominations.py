"""What cards are on sale."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.prepaid_cards.models import Denomination
from store.shown import move_on


class BadDenomination(Exception):
    """A denomination needs a price, and gives at least as much credit; the message says what is wrong."""


def on_sale(session: Session) -> list[Denomination]:
    """The denominations that one can buy, cheapest first."""
    return [denomination for denomination in known(session) if denomination.on_sale]


def known(session: Session) -> list[Denomination]:
    """All denominations, those that were withdrawn too, cheapest first."""
    return list(session.scalars(select(Denomination).order_by(Denomination.price_cents, Denomination.code)))


def find(session: Session, code: str) -> Denomination | None:
    """The denomination of this code, if it is on sale."""
    return session.scalar(select(Denomination).where(Denomination.code == code, Denomination.on_sale))


def change(
    session: Session,
    code: str,
    *,
    price_cents: int | None = None,
    credit_cents: int | None = None,
    is_on_sale: bool | None = None,
) -> Denomination:
    """Change what is named of a denomination, or make a new one, at par and on sale unless said otherwise.

    Cards and orders keep the terms that they were made with. Raises BadDenomination.
    """
    denomination = session.scalar(select(Denomination).where(Denomination.code == code).with_for_update(key_share=True))
    if denomination is None:
        denomination = _new(code, price_cents)
        session.add(denomination)
    if price_cents is not None:
        denomination.price_cents = price_cents
    if credit_cents is not None:
        denomination.credit_cents = credit_cents
    if is_on_sale is not None:
        denomination.on_sale = is_on_sale
    if not 0 < denomination.price_cents <= denomination.credit_cents:
        raise BadDenomination("the credit must cover the price, and the price be more than nothing")
    move_on(session)
    return denomination


def _new(code: str, price_cents: int | None) -> Denomination:
    if price_cents is None:
        raise BadDenomination(f"there is no denomination {code} yet: a new one needs a price")
    return Denomination(code=code, price_cents=price_cents, credit_cents=price_cents, on_sale=True)
