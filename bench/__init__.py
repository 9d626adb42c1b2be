"""`make bench`: how fast the shop is, as ratios to named references that run beside it. `docs/bench.md` says how to read it."""

ROUNDS = 3
SECONDS = 0.8  # for each side of a comparison in each round


def row(name: str, *figures: str) -> None:
    """Print a row of the table as soon as it is known."""
    print(f"  {name:<20}", *(f"{figure:>10}" for figure in figures), flush=True)
