"""`make bench`: how fast the shop is, as ratios to named references that run beside it. `docs/bench.md` says how to read it."""

ROUNDS = 3
SECONDS = 0.8  # for each side of a comparison in each round

Verdict = tuple[bool, str]
"""Whether a goal is met, and the sentence that says so with the figures."""


def row(name: str, *figures: str) -> None:
    """Print a row of the table as soon as it is known."""
    print(f"  {name:<44}", *(f"{figure:>10}" for figure in figures), flush=True)


def at_least(what: str, ratio: float, least: float) -> Verdict:
    """The verdict on a ratio that is better the higher it is."""
    return ratio >= least, f"{what}: {ratio:.3f}, at least {least}"


def at_most(what: str, figure: float, most: float) -> Verdict:
    """The verdict on a figure that is better the lower it is."""
    return figure <= most, f"{what}: {figure:.3g}, at most {most}"
