"""What a wallet must hold, in plain Python: the rules of MONEY.md once more, without a database."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

GOODWILL_LIFE = timedelta(days=90)

Taken = list[tuple["ModelLot", int, int]]
"""From which lots how many cents were taken, and of these the VAT that was due when the card was sold."""


class Missing(Exception):
    """So many cents are not there."""

    def __init__(self, cents: int) -> None:
        super().__init__(f"{cents} cents are missing")
        self.cents = cents


@dataclass(eq=False)
class ModelLot:
    """Credit that came from one card, or as goodwill; sums in cents."""

    kind: str
    reference: str
    initial: int
    remaining: int
    expires_at: datetime | None
    vat: int = 0

    def is_over(self, at: datetime) -> bool:
        """Whether its credit has ended."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass
class ModelWallet:
    """Lots in the order in which they came."""

    lots: list[ModelLot] = field(default_factory=list)

    def credit(self, at: datetime) -> int:
        """What may be spent."""
        return sum(lot.remaining for lot in self.lots if not lot.is_over(at))

    def put(self, kind: str, reference: str, cents: int, expires_at: datetime | None = None, vat: int = 0) -> None:
        """A new lot, with so much VAT within it that was due at the sale."""
        self.lots.append(ModelLot(kind, reference, cents, cents, expires_at, vat))

    def spend(self, cents: int, at: datetime) -> Taken:
        """Take from the lot that expires first, then from the oldest; raises Missing."""
        spendable = [lot for lot in self.lots if not lot.is_over(at)]
        return _take(sorted(spendable, key=lambda lot: (lot.expires_at is None, lot.expires_at)), cents)

    def hold(self, reference: str, cents: int) -> Taken:
        """Take from what one card gave and was paid for; raises Missing."""
        return _take([lot for lot in self.lots if (lot.kind, lot.reference) == ("paid", reference)], cents)

    def give_back(self, taken: Taken, reference: str, at: datetime) -> None:
        """Put back where it was; what came from a lot that is over comes back as goodwill."""
        for lot, cents, vat in taken:
            if lot.is_over(at):
                self.put("bonus", reference, cents, at + GOODWILL_LIFE)
            else:
                lot.remaining += cents
                lot.vat += vat

    def sweep(self, at: datetime) -> int:
        """End the bonus that is over; the cents that ended."""
        over = [lot for lot in self.lots if lot.kind == "bonus" and lot.is_over(at)]
        ended = sum(lot.remaining for lot in over)
        for lot in over:
            lot.remaining = 0
        return ended


def _take(lots: list[ModelLot], cents: int) -> Taken:
    if cents > (there := sum(lot.remaining for lot in lots)):
        raise Missing(cents - there)
    taken: Taken = []
    for lot in lots:
        part = min(lot.remaining, cents)
        if part:
            vat = math.floor(Fraction(lot.vat * part, lot.remaining) + Fraction(1, 2))
            lot.remaining -= part
            lot.vat -= vat
            cents -= part
            taken.append((lot, part, vat))
    return taken
