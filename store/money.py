"""Sums of money are whole minor units (cents) everywhere; this room alone divides them."""

from decimal import ROUND_HALF_UP, Decimal


def vat_within(cents: int, percent: Decimal) -> int:
    """The VAT, in cents rounded half up, that is contained in a price of `cents` that includes it."""
    share = Decimal(cents) * percent / (100 + percent)
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))


def share_of(cents: int, percent: Decimal) -> int:
    """So many percent of a sum, in cents rounded half up."""
    return int((Decimal(cents) * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def portion_of(cents: int, part: int, whole: int) -> int:
    """Of a sum that belongs to `whole` what belongs to `part` of it, in cents rounded half up; all of it for the whole."""
    return (2 * cents * part + whole) // (2 * whole)
