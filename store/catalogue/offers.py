"""What the wall offers to choose: each facet with its values, how many films each leaves, and where it leads."""

from dataclasses import dataclass

from store.catalogue.facets import DECADE, FACETS, LENGTH, LENGTHS, Chosen, FacetIndex
from store.catalogue.wall import Choice

VALUES_OFFERED = 40


@dataclass(frozen=True)
class ValueOffer:
    """A value of a facet: `name` is what its theme or director is called, None where the code says it."""

    value: str
    name: str | None
    count: int
    is_chosen: bool
    address: str


@dataclass(frozen=True)
class FacetOffer:
    """A facet and its values."""

    facet: str
    values: list[ValueOffer]

    @property
    def chosen(self) -> list[ValueOffer]:
        """Those that are chosen."""
        return [value for value in self.values if value.is_chosen]


def facets_offered(index: FacetIndex, choice: Choice, lang: str) -> list[FacetOffer]:
    """Every facet that divides the films that are on the wall, in the house's order."""
    counts = index.counts(choice.chosen)
    offers = (FacetOffer(facet, _values(index, choice, facet, counts[facet], lang)) for facet in FACETS)
    return [offer for offer in offers if len(offer.values) > 1 or offer.chosen]


def _values(index: FacetIndex, choice: Choice, facet: str, counts: dict[str, int], lang: str) -> list[ValueOffer]:
    chosen = choice.chosen.get(facet, ())
    kept = _in_order(facet, counts, choice.chosen)[:VALUES_OFFERED]
    return [
        ValueOffer(
            value=value,
            name=index.names.get((facet, value), {}).get(lang),
            count=counts[value],
            is_chosen=value in chosen,
            address=choice.toggled(facet, value).address(),
        )
        for value in kept
    ]


def _in_order(facet: str, counts: dict[str, int], chosen: Chosen) -> list[str]:
    """Decades from the newest, lengths from the shortest, all else by the number of films; what is chosen is never cut off."""
    if facet == DECADE:
        return sorted(counts, reverse=True)
    if facet == LENGTH:
        return [value for value, _, _ in LENGTHS if value in counts]
    return sorted(counts, key=lambda value: (value not in chosen.get(facet, ()), -counts[value], value))
