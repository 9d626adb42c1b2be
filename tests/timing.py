"""Whether two things take the same time: by turns, so that whatever else the machine does falls on both."""

import time
from collections.abc import Callable, Mapping
from statistics import median

ROUNDS = 21
SHARE, LEAST_S = 0.12, 0.003
"""SECURITY.md: within 12 %, or 3 ms."""

TRIES = 4
"""A busy machine may part two equal medians once; what leaks parts them every time."""


def are_alike(acts: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> bool:
    """Whether the medians of the acts' processor times are within a share of each other, or so little."""
    return any(_spread_is_small(_medians(acts, rounds)) for _ in range(TRIES))


def _medians(acts: Mapping[str, Callable[[], object]], rounds: int) -> list[float]:
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for turn in range(rounds):
        names = list(acts)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.process_time()
            acts[name]()
            seconds[name].append(time.process_time() - began)
    return [median(times) for times in seconds.values()]


def _spread_is_small(medians: list[float]) -> bool:
    return max(medians) - min(medians) <= max(LEAST_S, SHARE * min(medians))
