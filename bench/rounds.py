"""Two or more sides that take turns, and the row that compares two of them."""

from collections.abc import Callable, Sequence
from statistics import median

from bench import ROUNDS, SECONDS, row
from bench.clients import Pace

WARM_UP_S = 0.3

Side = Callable[[float], Pace]
"""What does its work for so many seconds."""


def alternate(**sides: Side) -> dict[str, list[Pace]]:
    """The paces of each side, round by round, after a short warm-up of all."""
    for side in sides.values():
        side(WARM_UP_S)
    paces: dict[str, list[Pace]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            paces[name].append(side(SECONDS))
    return paces


def compare(
    name: str, statements: int, ours: Sequence[Pace], theirs: Sequence[Pace], *, may_refuse: bool = False
) -> float:
    """Print the row of the medians; returns the median of the rounds' ratios.

    A refusal is quick work: unless it is what the row is about, RuntimeError.
    """
    if not may_refuse and any(pace.done < pace.tries for pace in (*ours, *theirs)):
        raise RuntimeError(f"{name}: somebody was refused")
    ratio = median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))
    row(
        name,
        f"{median(pace.rate for pace in ours):.0f}",
        f"{median(pace.rate for pace in theirs):.0f}",
        f"{ratio:.3f}",
        str(statements),
        f"{median(pace.cpu_ms for pace in ours) - median(pace.cpu_ms for pace in theirs):.2f}",
    )
    return ratio
