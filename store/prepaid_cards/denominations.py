"""What cards are on sale."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.prepaid_cards.models import Denomination


def on_sale(session: Session) -> list[Denomination]:
    """The denominations that one can buy, cheapest first."""
    query = select(Denomination).where(Denomination.on_sale).order_by(Denomination.price_cents)
    return list(session.scalars(query))


def find(session: Session, code: str) -> Denomination | None:
    """The denomination of this code, if it is on sale."""
    return session.scalar(select(Denomination).where(Denomination.code == code, Denomination.on_sale))
