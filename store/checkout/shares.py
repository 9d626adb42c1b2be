"""Where the price of a film goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from store.money import share_of, vat_within


@dataclass(frozen=True)
class Rates:
    """How the shop divides what is left of a price without VAT: the film tax first, then the film-makers' share of the rest."""

    film_tax_percent: Decimal
    filmmakers_percent: Decimal

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rates":
        """The shop's."""
        return cls(settings["FILM_TAX_PERCENT"], settings["FILMMAKERS_PERCENT"])


@dataclass(frozen=True)
class Shares:
    """A price in its parts, all in cents. They sum to the price, whatever was rounded."""

    offered: int
    vat: int
    film_tax: int
    filmmakers: int
    cooperative: int

    @property
    def total(self) -> int:
        """The price."""
        return self.offered + self.vat + self.film_tax + self.filmmakers + self.cooperative


def divide(paid: int, offered: int, vat: int, rates: Rates) -> Shares:
    """A price of `paid` plus `offered` cents, of which the books show so much VAT on what was paid.

    The film tax is due on the price without VAT (TSV, the French tax on video on demand; `config.py` names the law).
    """
    net = paid - vat
    film_tax = share_of(net, rates.film_tax_percent)
    filmmakers = share_of(net - film_tax, rates.filmmakers_percent)
    return Shares(offered, vat, film_tax, filmmakers, net - film_tax - filmmakers)


def divide_price(cents: int, vat_percent: Decimal, rates: Rates) -> Shares:
    """How a price divides that is paid in full, before anybody paid it: as its receipt will say."""
    return divide(cents, 0, vat_within(cents, vat_percent), rates)
