"""The gap: what is missing for a film, and what is paid to close it."""

from dataclasses import dataclass

from store.catalogue.browse import FilmPage

LEAST_CHARGE_CENTS = 50
"""Stripe takes no less in euros, francs or dollars (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""


@dataclass(frozen=True)
class Gap:
    """A film, what one wants of it (`rent` or `buy`), its price, and the credit that there is; sums in cents."""

    film: FilmPage
    act: str
    price_cents: int
    credit_cents: int

    @property
    def missing_cents(self) -> int:
        """What the credit lacks; 0 when it suffices."""
        return max(self.price_cents - self.credit_cents, 0)

    @property
    def pay_cents(self) -> int:
        """What is paid: what is missing, but at least what Stripe takes."""
        return max(self.missing_cents, LEAST_CHARGE_CENTS)

    @property
    def left_cents(self) -> int:
        """What stays as credit after the film."""
        return self.credit_cents + self.pay_cents - self.price_cents


def gap_of(film: FilmPage, act: str, credit_cents: int) -> Gap:
    """What is missing for this act with a film at today's prices."""
    return Gap(film, act, film.prices.rent if act == "rent" else film.prices.buy, credit_cents)
