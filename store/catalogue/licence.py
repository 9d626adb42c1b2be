"""May a film be offered here and now? Its licence says in which days and in which countries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Bar(StrEnum):
    """What stands between a film and a visitor."""

    NOT_YET = "not_yet"
    OVER = "over"
    TERRITORY = "territory"


@dataclass(frozen=True)
class Licence:
    """From the shop's day `begins` to its day `ends`, both included, in these countries; None is without limit."""

    begins: date | None
    ends: date | None
    territories: Collection[str] | None

    def bar(self, country: str, today: date) -> Bar | None:
        """What forbids to offer the film today to who lives in `country`; None when nothing does."""
        if not self.covers(country):
            return Bar.TERRITORY
        return self.bar_of_days(today)

    def bar_of_days(self, today: date) -> Bar | None:
        """What forbids to offer the film today to anybody."""
        if self.begins and today < self.begins:
            return Bar.NOT_YET
        return Bar.OVER if self.ends and today > self.ends else None

    def covers(self, country: str) -> bool:
        """Whether the film may be shown in `country`."""
        return self.territories is None or country in self.territories
